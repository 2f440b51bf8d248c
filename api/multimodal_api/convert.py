"""From domain types to the API's answers."""

from __future__ import annotations

from multimodal import types
from multimodal_api import schemas
from multimodal_api.ports import Predictor
from multimodal_api.problems import ProblemError

_DIGITS = 6
_TOO_LARGE = ("image_too_large_bytes", "image_too_many_pixels")


def model_info(predictor: Predictor) -> schemas.ModelInfo:
    """Name and versions of a predictor."""
    return schemas.ModelInfo(name=predictor.name, version=predictor.version, tree_version=predictor.tree.version)


def problem_of_row(error: types.RowError) -> ProblemError:
    """A row's error as a problem: 413 for what is too large, 422 for the rest."""
    status = 413 if error.code in _TOO_LARGE else 422
    return ProblemError(status, error.code, error.message, extra={"stage": error.stage})


def response_of(prediction: types.Prediction, model: schemas.ModelInfo) -> schemas.ClassifyResponse:
    """A prediction as the answer of ``POST /classify``."""
    p = prediction
    return schemas.ClassifyResponse(
        model=model,
        decision=p.decision,
        category=None if p.category is None else _category(p.category),
        suggestions=[_category(c) for c in p.suggestions],
        candidates=None if p.candidates is None else _candidates(p.candidates),
        modality=schemas.Modality(used=p.used, missing=list(p.missing)),
        tags=[schemas.Tag(name=t.name, probability=_round(t.probability), present=t.present) for t in p.tags],
        attributes=[
            schemas.Attribute(name=a.name, value=a.value, probability=_round(a.probability)) for a in p.attributes
        ],
        needs_review=p.needs_review,
        conflict=None if p.conflict is None else _conflict(p.conflict),
        warnings=list(p.warnings),
        explanation=None if p.explanation is None else [_effect(e) for e in p.explanation],
        heat_map=None if p.heat_map is None else _heat(p.heat_map),
    )


def _category(category: types.CategoryScore) -> schemas.Category:
    return schemas.Category(
        id=category.id,
        name=category.name,
        is_leaf=category.is_leaf,
        probability=_round(category.probability),
        path=[_step(step) for step in category.path],
    )


def _candidates(candidates: types.CandidateSet) -> schemas.Candidates:
    return schemas.Candidates(coverage=candidates.coverage, category_ids=list(candidates.category_ids))


def _effect(effect: types.TextEffect) -> schemas.Effect:
    return schemas.Effect(input=effect.input, text=effect.text, effect=_round(effect.effect))


def _heat(heat: types.HeatMap) -> schemas.HeatMap:
    return schemas.HeatMap(category_id=heat.category_id, effects=[list(row) for row in heat.effects])


def _conflict(conflict: types.Conflict) -> schemas.Conflict:
    return schemas.Conflict(text=_step(conflict.text), image=_step(conflict.image))


def _step(step: types.PathStep) -> schemas.PathStep:
    return schemas.PathStep(id=step.id, name=step.name, probability=_round(step.probability))


def _round(probability: float) -> float:
    return round(float(probability), _DIGITS)
