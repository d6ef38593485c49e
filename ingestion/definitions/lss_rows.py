"""A LimeSurvey survey as plain rows, whatever they were read from.

In: nothing. Out: `Rows`. What the rows mean is `lss_question`'s matter.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

Row = Mapping[str, str]


@dataclass
class Rows:
    """A survey as rows.

    Attributes:
        title: The survey's title.
        version: Version of the survey's structure, or blank.
        groups: `gid`, `group_order`, `grelevance`.
        questions: One per question: `qid`, `gid`, `type`, `title`, `question_order`, `mandatory`, `other`,
            `relevance`, `encrypted`, `preg`, `line`.
        subquestions: The same, with `parent_qid` and `scale_id`.
        answers: `qid`, `code`, `sortorder`, `scale_id`.
        attributes: Value by question and attribute; of those in several languages the survey's own.
        texts: Text by question or subquestion and language.
        answer_texts: Text by question, scale, code and language.
    """

    title: str = ""
    version: str = ""
    groups: list[Row] = field(default_factory=list)
    questions: list[Row] = field(default_factory=list)
    subquestions: list[Row] = field(default_factory=list)
    answers: list[Row] = field(default_factory=list)
    attributes: dict[tuple[str, str], str] = field(default_factory=dict)
    texts: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    answer_texts: dict[tuple[str, str, str], dict[str, str]] = field(
        default_factory=lambda: defaultdict(dict)
    )
