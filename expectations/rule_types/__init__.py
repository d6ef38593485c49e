"""The types of quality rule: what each may say in YAML, and what it measures.

In: plain data of one YAML entry. Out: `RuleSpec`, the union of all rule types. Reading many rules at once is
the work of `rule`, turning them into SQL that of `compile`; neither belongs here.

No type sees an outcome by arm, an effect, drift of outcomes across sites or chance imbalance: a rule that
withholds on results would select on results. `arm_shares` holds counts of units by arm against the design.
"""

from typing import Annotated, get_args

from pydantic import Field

from expectations.rule_types.of_answers import (
    AllowedValues,
    Check,
    ConsentPresent,
    ExclusiveOptions,
    FormConstraint,
    FormRelevance,
    FormRequired,
    Heaping,
    OfForm,
    OfItem,
    OfSeveral,
    Pattern,
    Range,
    Readable,
    RequiredAnswered,
    StraightLining,
    SumOfItems,
)
from expectations.rule_types.of_frame import (
    ArmChanges,
    Attrition,
    AttritionDifferential,
    BaselineBalance,
    ClusterCounts,
    DispositionShare,
    IdsVanish,
)
from expectations.rule_types.of_interviews import (
    BackCheckErrorRate,
    BackCheckReliability,
    EnumeratorEffect,
    EnumeratorMissing,
    EnumeratorProductivity,
    InterviewDuration,
    NearDuplicates,
    NightInterviews,
    OverlappingInterviews,
    SamePlace,
)
from expectations.rule_types.of_records import (
    AggregateConsistent,
    ArmShares,
    ClaimedOnce,
    Delivered,
    FormVersionDrift,
    FrameUnique,
    Freshness,
    InFrame,
    KeyUnique,
    Lateness,
    OrphanRows,
    Shrinkage,
    UnmappedQuestions,
    VolumeAgainstFrame,
)
from expectations.rule_types.said import BaseRule, Severity

__all__ = [
    "RULE_TYPES",
    "AllowedValues",
    "BaseRule",
    "Check",
    "ConsentPresent",
    "ExclusiveOptions",
    "FormRule",
    "Heaping",
    "ItemRule",
    "MeasuredRule",
    "OfForm",
    "OfItem",
    "OfSeveral",
    "Pattern",
    "Range",
    "Readable",
    "RequiredAnswered",
    "RuleSpec",
    "Severity",
    "StraightLining",
    "SumOfItems",
]

ItemRule = (
    RequiredAnswered
    | Range
    | AllowedValues
    | Readable
    | Check
    | Pattern
    | ExclusiveOptions
    | ConsentPresent
    | Heaping
    | SumOfItems
    | StraightLining
)
FormRule = FormConstraint | FormRelevance | FormRequired
MeasuredRule = (
    KeyUnique
    | InFrame
    | FrameUnique
    | VolumeAgainstFrame
    | ArmShares
    | Freshness
    | Delivered
    | ClaimedOnce
    | AggregateConsistent
    | FormVersionDrift
    | UnmappedQuestions
    | Lateness
    | Shrinkage
    | OrphanRows
    | ClusterCounts
    | DispositionShare
    | IdsVanish
    | ArmChanges
    | Attrition
    | AttritionDifferential
    | BaselineBalance
    | InterviewDuration
    | NightInterviews
    | EnumeratorProductivity
    | EnumeratorMissing
    | EnumeratorEffect
    | NearDuplicates
    | OverlappingInterviews
    | SamePlace
    | BackCheckErrorRate
    | BackCheckReliability
)
RuleSpec = Annotated[ItemRule | FormRule | MeasuredRule, Field(discriminator="type")]

# By the name that each type gives itself.
RULE_TYPES: dict[str, type[BaseRule]] = {
    name: kind
    for kind in (*get_args(ItemRule), *get_args(FormRule), *get_args(MeasuredRule))
    for name in get_args(kind.model_fields["type"].annotation)
}
