"""The published strengths of every disturbance: five each, from the mildest to the hardest, with units and sources.

A figure of a card is only worth something to others if they can disturb in the same way: nothing here is drawn, and a
change of a number is a change of `VERSION`.
"""

from __future__ import annotations

from dataclasses import dataclass

VERSION = 1  # of the suite: raise it whenever a disturbed clip becomes another one
COUNT = 5  # strengths of a kind


@dataclass(frozen=True)
class Strengths:
    """What a kind of disturbance is, and how strong it may be.

    Attributes:
        family: what is disturbed: `noise`, `room`, `channel`, `codec`, `level` or `time`.
        about: the disturbance in words.
        unit: of the values.
        values: `COUNT` of them, the mildest first.
        source: where the kind or its values come from.
        needs: a program without which it cannot be made; empty for none.
    """

    family: str
    about: str
    unit: str
    values: tuple[float, ...]
    source: str
    needs: str = ""

    def told(self, severity: int) -> str:
        """A strength in words, from 1 to `COUNT`.

        >>> STRENGTHS["white"].told(5), STRENGTHS["quiet"].told(1)
        ('0 dB SNR', '-8 dB')
        """
        return f"{self.values[severity - 1]:g} {self.unit}"


_SNR = "dB SNR"
STRENGTHS: dict[str, Strengths] = {
    "white": Strengths("noise", "white noise", _SNR, (30, 20, 10, 5, 0), "SNRs as of Aurora-2 (Hirsch, Pearce 2000)"),
    "pink": Strengths("noise", "pink noise, 3 dB an octave", _SNR, (30, 20, 10, 5, 0), "as white"),
    "babble": Strengths(
        "noise",
        "six other recordings at once",
        _SNR,
        (20, 15, 10, 5, 0),
        "babble of 3 to 7 recordings as in Kaldi's MUSAN recipe (Snyder et al. 2015)",
    ),
    "recorded": Strengths(
        "noise",
        "one other recording at once, as music or a television",
        _SNR,
        (20, 15, 10, 5, 0),
        "SNRs of music in Kaldi's MUSAN recipe and below",
    ),
    "wind": Strengths(
        "noise",
        "gusts of low noise, as wind makes it at a microphone",
        _SNR,
        (20, 10, 0, -5, -10),
        "level falls as f^-2 above 10 Hz (Nelke, Vary 2014)",
    ),
    "hum": Strengths(
        "noise", "mains hum, 50 or 60 Hz with harmonics", _SNR, (30, 20, 10, 0, -10), "harmonics as 1/k up to the tenth"
    ),
    "reverb": Strengths(
        "room",
        "reverberation, from a small room to a hall",
        "s RT60",
        (0.2, 0.4, 0.8, 1.5, 3.0),
        "Polack's model, direct as loud as the tail (Habets 2007)",
    ),
    "far": Strengths(
        "room",
        "a microphone far away in a living room",
        "m away",
        (1, 2, 4, 8, 16),
        "the direct sound falls by 6 dB a doubling; critical distance 1 m, RT60 0.5 s, own noise 40 dB below at 1 m",
    ),
    "bandlimit": Strengths(
        "channel",
        "sampled at a lower rate",
        "kHz sampling rate",
        (12, 8, 6, 4, 2),
        "8 kHz is that of narrow-band telephony",
    ),
    "telephone": Strengths(
        "channel",
        "a telephone line, 300 to 3400 Hz in 8 bits, entered at a level",
        "dB of full scale",
        (0, -10, -20, -30, -40),
        "ITU-T G.712 and G.711",
    ),
    "mp3": Strengths("codec", "MP3 (LAME), 16 kHz", "kbit/s", (64, 32, 24, 16, 8), "ISO/IEC 13818-3, constant rate"),
    "opus": Strengths("codec", "Opus, 16 kHz", "kbit/s", (32, 16, 12, 8, 6), "RFC 6716"),
    "vorbis": Strengths("codec", "Ogg Vorbis, 16 kHz", "quality", (0.6, 0.4, 0.2, 0.1, 0.0), "Xiph's quality scale"),
    "gsm": Strengths(
        "codec", "GSM 6.10 full rate, one pass after the other", "passes", (1, 2, 3, 4, 5), "ETSI EN 300 961"
    ),
    "mulaw": Strengths(
        "codec", "mu-law, 8 bits a sample", "kbit/s", (128, 88.2, 64, 48, 32), "ITU-T G.711 at 16 to 4 kHz"
    ),
    "adpcm": Strengths(
        "codec", "IMA ADPCM, 4 bits a sample", "kbit/s", (64, 44.1, 32, 24, 16), "IMA 1992, at 16 to 4 kHz"
    ),
    "aac": Strengths("codec", "AAC-LC, 16 kHz", "kbit/s", (48, 32, 24, 16, 12), "ISO/IEC 14496-3", needs="ffmpeg"),
    "amr": Strengths(
        "codec", "AMR narrow band", "kbit/s", (12.2, 7.95, 6.7, 5.15, 4.75), "3GPP TS 26.071", needs="ffmpeg"
    ),
    "clipping": Strengths("level", "clipped below its peak", "dB below the peak", (3, 6, 12, 18, 24), "hard clipping"),
    "quiet": Strengths("level", "recorded too softly, in 16 bits", "dB", (-8, -16, -24, -32, -40), "16-bit rounding"),
    "loud": Strengths("level", "recorded too loudly, cut at full scale", "dB", (4, 8, 12, 16, 20), "16-bit full scale"),
    "dc": Strengths("level", "an offset, cut at full scale", "of full scale", (0.01, 0.03, 0.1, 0.2, 0.4), "additive"),
    "dropouts": Strengths(
        "time", "gaps of 100 ms", "% of the time", (2, 5, 10, 20, 40), "zeros, as of a cable or a full buffer"
    ),
    "packet_loss": Strengths(
        "time",
        "lost packets of 20 ms in bursts",
        "% of the packets",
        (1, 5, 10, 20, 40),
        "Gilbert's model (1960) with bursts of 3 packets; silence in their place",
    ),
    "speed": Strengths("time", "played faster or slower", "%", (2, 5, 10, 20, 30), "tempo and pitch (Ko et al. 2015)"),
    "pitch": Strengths("time", "higher or lower at the same tempo", "semitones", (0.5, 1, 2, 4, 6), "phase vocoder"),
    "drift": Strengths("time", "a clock that is off", "% off", (0.05, 0.1, 0.25, 0.5, 1.0), "crystals drift by 0.01 %"),
}
