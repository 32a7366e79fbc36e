"""Eight voices, what they say, and the call of espeak-ng that makes them say it."""

from __future__ import annotations

import io
import subprocess
from dataclasses import dataclass

import numpy as np
import soundfile
import soxr
from mixing import RATE, fade, frames
from numpy.random import Generator


@dataclass(frozen=True)
class Voice:
    """A voice of espeak-ng: `name` with its variant, `pitch` 0 to 99, `speed` in words a minute."""

    name: str
    pitch: int
    speed: int


VOICES = {
    "ada": Voice("en-us+f2", 62, 170),
    "bruno": Voice("en-gb+m3", 22, 155),
    "clara": Voice("en-gb-scotland+f4", 84, 185),
    "dario": Voice("en-us+klatt2", 40, 165),
    "elsa": Voice("en-gb-x-rp+Annie", 55, 160),
    "farid": Voice("en-029+m7", 50, 190),
    "greta": Voice("en-gb-x-gbclan+grandma", 38, 165),
    "hugo": Voice("en-us-nyc+croak", 35, 175),
}

# A keyword is said by many, so that the word and not the voice is what can be learnt.
SPEAKERS_OF_KEYWORDS = [
    Voice("en-us+m1", 40, 150),
    Voice("en-us+m4", 55, 170),
    Voice("en-us+f1", 60, 160),
    Voice("en-us+f5", 75, 150),
    Voice("en-gb+m2", 30, 165),
    Voice("en-gb+m6", 50, 145),
    Voice("en-gb+f3", 70, 175),
    Voice("en-gb+Andrea", 55, 160),
    Voice("en-gb-scotland+m5", 45, 160),
    Voice("en-gb-scotland+f2", 65, 150),
    Voice("en-029+m8", 35, 155),
    Voice("en-029+linda", 60, 165),
    Voice("en-us-nyc+klatt", 50, 155),
    Voice("en-us-nyc+steph", 68, 160),
    Voice("en-gb-x-rp+Michael", 45, 150),
    Voice("en-gb-x-rp+belinda", 58, 165),
]
KEYWORDS = ("go", "left", "right", "stop")

# No sentence stands in two of these lists; tests/test_samples.py holds it.
SENTENCES = {
    "train": """
        The kettle is on the stove.
        We took the early train home.
        Nobody answered the old phone.
        A green boat lay on the beach.
        My brother plays the cello badly.
        Please close the window tonight.
        The garden gate was left open.
        He counted seven small islands.
        They sold apples by the road.
        Winter came late this year.
        She keeps her maps in a drawer.
        The river was high in spring.
        I forgot the name of that town.
        Two children ran across the square.
        Bread smells best in the morning.
        The lamp above the door is broken.
        Our neighbour builds wooden clocks.
        Put the letters under the stone.
        The last bus leaves at nine.
        Her coat was the colour of rust.
        We never found the second key.
        The teacher drew a long curve.
        Some birds can sleep in the air.
        He washed the car before lunch.
        The market is behind the church.
        You can borrow my umbrella.
        The soup needs a little salt.
        They painted the fence twice.
        Clouds gathered over the valley.
        I heard the story from a sailor.
        """,
    "valid": """
        The bakery opens before sunrise.
        Fresh snow covered the roofs.
        She wrote a song about trains.
        Look at the moon over the lake.
        His bicycle has a silver bell.
        We planted beans along the wall.
        The doctor lives on the third floor.
        Nine people waited at the bridge.
        Can you hear the water running?
        """,
    "test": """
        A fox crossed the empty street.
        The library is quiet on Mondays.
        Bring me the blue notebook.
        They danced until the music stopped.
        Our ferry was delayed by fog.
        The cat hides under the piano.
        I would rather walk than drive.
        Someone left a hat on the bench.
        The mountain looks close today.
        Grandfather repaired old radios.
        Light the candles after dinner.
        We share one very large table.
        """,
}
RECORDINGS = {
    "ada_letter": "Dear Tom, thank you for the photographs.",
    "bruno_weather": "Tomorrow will be dry, with a cold wind from the north.",
    "clara_shopping": "Milk, eggs, two lemons and a bag of rice.",
    "elsa_story": (
        "Once there was a lighthouse keeper who collected buttons. Every evening he climbed the stairs, "
        "lit the lamp, and counted them again. One night a storm came, and a ship was saved, "
        "because the light was still burning."
    ),
    "farid_directions": "Turn right at the fountain.",
    "hugo_invitation": "Come and see us on Saturday, there will be cake.",
}


def sentences(split: str) -> list[str]:
    """The sentences of `train`, `valid` or `test`."""
    return [line.strip() for line in SENTENCES[split].strip().splitlines()]


def say(voice: Voice, text: str, g: Generator) -> np.ndarray:
    """`text` in `voice`, `(T,)` at `mixing.RATE`, without the silence at its ends.

    Pitch and speed are drawn around the voice's own, by up to 4 steps of espeak-ng and by up to 7 %.
    """
    pitch = int(np.clip(voice.pitch + g.integers(-4, 5), 0, 99))
    speed = round(voice.speed * g.uniform(0.93, 1.07))
    call = ["espeak-ng", "-v", voice.name, "-p", str(pitch), "-s", str(speed), "--stdout", text]
    wav = subprocess.run(call, check=True, capture_output=True).stdout
    # To a pipe, espeak-ng writes a length it does not know yet; libsndfile then reads to the end.
    sound, rate = soundfile.read(io.BytesIO(wav), dtype="float64")
    sound = soxr.resample(sound, rate, RATE)
    loud = np.flatnonzero(np.abs(sound) > 0.01 * np.abs(sound).max())
    margin = frames(0.03)
    return fade(sound[max(loud[0] - margin, 0) : loud[-1] + margin], 0.01, 0.02)
