"""Whether a model has learnt to tell individuals apart: what its labels were, and on what its threshold was chosen.

Scores of a model that tells kinds of sounds apart say how alike two recordings sound, not who is heard in them.
"""

from __future__ import annotations

from collections.abc import Sequence

from audioft.core.registry import Spec, split_spec
from audioft.core.wording import counted, quoted
from audioft.data.clip import Clip
from audioft.data.targets import clean
from audioft.errors import UsageError
from audioft.models.folder import ModelCard
from audioft.models.heads.merged_rows import inner
from audioft.models.heads.prototypes import PROTOTYPE

#: Columns of tables that name individuals.
COLUMNS = frozenset({
    *("speaker", "speaker_id", "speakerid", "singer", "person", "person_id", "identity"),
    *("individual", "individual_id", "animal", "animal_id", "bird_id"),
})  # fmt: skip
#: Individuals, and pairs of recordings of one, under which a threshold is told to be of few.
INDIVIDUALS, PAIRS = 5, 30
VALIDATION = "the validation side, whose labels were trained on"
REMEDY = (
    "train one on recordings of many individuals (`audioft train DATA --config configs/speakers.yaml`; where DATA is a "
    "table, a column speaker, as data.label, says that labels are individuals), or measure "
    "this one on pairs of them with `audioft verify MODEL --trials LIST --store`"
)


def labelled(clips: Sequence[Clip], multilabel: bool, margin: bool) -> bool | None:
    """Whether the labels of training data are individuals; None where nothing says so.

    Args:
        clips: with their labels, and the cells of their table, of which a column may name individuals.
        multilabel: whether a clip may have several.
        margin: whether the loss has a margin, which is made for telling individuals apart.
    """
    columns = {c for clip in clips for c in clip.columns if c.strip().lower() in COLUMNS}
    if columns:
        return any(all(c.labels == (clean(c.columns.get(name, "")),) for c in clips) for name in columns)
    return False if multilabel else margin or None


def measured(card: ModelCard) -> bool:
    """Whether the model's threshold was chosen on trials (`verify --store`), which say what it is worth."""
    chosen = (card.verification or {}).get("chosen_on", {})
    return bool(chosen) and chosen.get("source") != VALIDATION


def refuse(card: ModelCard, head: Spec, embeds: bool) -> None:
    """Raise where a model cannot be believed to tell individuals apart.

    Args:
        card: of the model.
        head: of the model, as it was asked for.
        embeds: whether that has an embedding, as `cosine` and `prototype`; one of prototypes was not trained.

    Raises:
        UsageError: its labels are known to be something else, or its head is that of an ordinary classifier, or of
            prototypes; and nobody has measured it on trials.
    """
    known, fitted = card.trained_on.get("individuals"), split_spec(inner(head))[0] == PROTOTYPE
    if measured(card) or known or (known is None and embeds and not fitted and not card.multilabel):
        return
    why = "are those of an ordinary classifier, whose head has no embedding"
    if fitted:
        why = "are not said to be individuals, and nothing was trained to tell them apart (--few-shot)"
    if known is False or card.multilabel:
        why = "are of another kind"
    raise UsageError(
        f"the model has not learnt to tell individuals apart: its labels, {quoted(card.labels, 5)}, {why}, and anybody "
        f"may pass for anybody; {REMEDY}, or enrol in spite of it with --anyway"
    )


def doubt(card: ModelCard) -> str | None:
    """What is to be said of a model of which nothing says that its labels are individuals."""
    if measured(card) or card.trained_on.get("individuals"):
        return None
    return (
        f"the model was trained to tell {quoted(card.labels, 5)} apart; if these are no individuals (people, animals, "
        f"engines), its scores do not say who is heard: {REMEDY}"
    )


def few(card: ModelCard) -> str | None:
    """What is to be said of a threshold that was chosen on few individuals or pairs of recordings of one."""
    chosen = (card.verification or {}).get("chosen_on", {})
    speakers, pairs = chosen.get("speakers", INDIVIDUALS), chosen.get("targets", PAIRS)
    if speakers >= INDIVIDUALS and pairs >= PAIRS:
        return None
    return (
        f"the model's threshold was chosen on {counted(pairs, 'pair')} of recordings of one, of "
        f"{counted(speakers, 'individual')}: too few to rely on it; choose one on more, at least {PAIRS} pairs of "
        f"{INDIVIDUALS} individuals, with `audioft verify MODEL --trials LIST --store`"
    )
