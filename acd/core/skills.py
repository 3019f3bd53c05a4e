"""Skills: what a contact needs against what an agent can do.

Lives here: merging and matching requirements (skill name -> least level, 1-100). Not here: who is chosen.
Numbers come from the site's configuration and from what a flow asks for.
"""

from __future__ import annotations

from collections.abc import Mapping

Requirement = tuple[tuple[str, int], ...]
"""A requirement in a form that can be compared and hashed: (skill, least level), sorted by skill."""


def merged(*requirements: Mapping[str, int]) -> dict[str, int]:
    """All requirements together: each skill at the highest level that any of them asks for."""
    levels: dict[str, int] = {}
    for requirement in requirements:
        for skill, level in requirement.items():
            levels[skill] = max(level, levels.get(skill, 0))
    return {skill: levels[skill] for skill in sorted(levels)}


def frozen(requires: Mapping[str, int]) -> Requirement:
    return tuple(sorted(requires.items()))


def fits(skills: Mapping[str, int], requires: Requirement) -> bool:
    """Whether an agent with these skills meets the requirement; a skill he has not counts as level 0."""
    return all(skills.get(skill, 0) >= level for skill, level in requires)
