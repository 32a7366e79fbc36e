"""Who speaks: enrolment, identification, verification, and what they are measured by."""
