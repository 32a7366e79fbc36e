"""For where a model is meant: what it may weigh and how long it may take."""

from __future__ import annotations

from dataclasses import dataclass

BYTES = 4  # of a weight


@dataclass(frozen=True)
class Place:
    """Limits of a model for a place.

    Attributes:
        name: of the place.
        megabytes: of the encoder's weights at most, 1e6 bytes.
        seconds: of this machine for a minute of sound at most.
        several: whether it may be made of several models that each hear the recording.
    """

    name: str
    megabytes: float = float("inf")
    seconds: float = float("inf")
    several: bool = True

    def __str__(self) -> str:
        if self.megabytes == float("inf"):
            return f"a {self.name} may take any"
        return f"a {self.name} is given {self.megabytes:g} MB and {self.seconds:g} s (--for)"

    def refused(self, parameters: int, seconds: float | None) -> str | None:
        """Why an encoder is too much; None where it is not.

        Args:
            parameters: how many it has.
            seconds: it took a minute of sound here; None where that was not measured.

        >>> PLACES["phone"].refused(95_000_000, 11.0)
        'its 380 MB are more than the 50 MB that a phone is given'
        """
        weighs = parameters * BYTES / 1e6
        if weighs > self.megabytes:
            return f"its {weighs:.0f} MB are more than the {self.megabytes:g} MB that a {self.name} is given"
        if seconds is not None and seconds > self.seconds:
            return f"{seconds:.1f} s a minute of sound are more than the {self.seconds:g} s that a {self.name} is given"
        return None


#: Seconds are of the machine that measures: a laptop is taken for one like it, a phone for a fifth of it.
PLACES = {
    "phone": Place("phone", megabytes=50, seconds=3, several=False),
    "laptop": Place("laptop", megabytes=500, seconds=15),
    "server": Place("server"),
}
