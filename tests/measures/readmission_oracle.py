"""Readmissions, walked day by day: written from the definitions of the policies, not from the SQL."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

DAY = timedelta(days=1)


@dataclass
class Stay:
    """One encounter of a patient."""

    encounter: str
    start: datetime
    stop: datetime | None
    kinds: set[str] = field(default_factory=set)


@dataclass
class Admission:
    """Encounters that overlap or touch."""

    stays: list[Stay]

    @property
    def name(self) -> str:
        return self.first.encounter

    @property
    def first(self) -> Stay:
        return min(self.stays, key=lambda stay: (stay.start, stay.encounter))

    @property
    def admitted(self) -> date:
        return self.first.start.date()

    @property
    def discharged(self) -> date | None:
        if any(stay.stop is None for stay in self.stays):
            return None
        return max(stay.stop for stay in self.stays).date()

    def is_a(self, kind: str) -> bool:
        return any(kind in stay.kinds for stay in self.stays)

    @property
    def planned(self) -> bool:
        return bool(self.first.kinds & {"planned", "rehabilitation"})


def admissions(stays: list[Stay]) -> list[Admission]:
    """Joins stays one by one until no two share a moment."""
    found = [[stay] for stay in stays]

    def touch(one, other):
        return any(a.start <= (b.stop or b.start) and b.start <= (a.stop or a.start) for a in one for b in other)

    joined = True
    while joined:
        joined = False
        for one in found:
            for other in found:
                if one is not other and touch(one, other):
                    one.extend(other)
                    found.remove(other)
                    joined = True
                    break
            if joined:
                break
    return sorted((Admission(group) for group in found), key=lambda admission: admission.first.start)


def begins_on(day: date, those: list[Admission], after: Admission) -> Admission | None:
    """The first admission of a day other than, and after, the given one."""
    later = those[those.index(after) + 1 :]
    return next((admission for admission in later if admission.admitted == day), None)


def judge(policy: str, stays: list[Stay], died: date | None, as_of: date) -> dict[str, tuple]:
    """For each admission: why it is no index, the first admission within 30 days, whether that is a readmission."""
    those = admissions(stays)

    def transferred(admission) -> bool:
        if policy == "crude_30d" or admission.discharged is None:
            return False
        return any(begins_on(admission.discharged + n * DAY, those, admission) for n in (0, 1))

    def chain(admission) -> list[Admission]:
        """The admission and those that were transferred into it."""
        place = those.index(admission)
        while place > 0 and transferred(those[place - 1]):
            place -= 1
        return those[place : those.index(admission) + 1]

    def readmission(admission) -> Admission | None:
        day = admission.discharged
        while day <= admission.discharged + 30 * DAY:
            for other in those[those.index(admission) + 1 :]:
                if other.admitted == day and not (policy == "pcr_like_30d" and other.is_a("pregnancy")):
                    return other
            day += DAY
        return None

    def exclusion(admission) -> str:
        gone = admission.discharged
        if gone is None:
            return "no_discharge"
        if died and died <= gone:
            return "died"
        if transferred(admission):
            return "transferred"
        if policy == "hwr_like_30d":
            for kind in ("psychiatric", "rehabilitation"):
                if admission.is_a(kind):
                    return kind
        if policy == "pcr_like_30d":
            if chain(admission)[0].admitted == gone:
                return "same_day"
            if any(one.is_a("pregnancy") for one in chain(admission)):
                return "pregnancy"
            if gone > date(gone.year, 12, 1):
                return "outside_index_period"
        if policy != "crude_30d" and gone + 30 * DAY > as_of:
            return "incomplete_follow_up"
        if policy == "pcr_like_30d" and (next_one := readmission(admission)) and next_one.planned:
            return "planned_readmission"
        return ""

    judged = {}
    for admission in those:
        why = exclusion(admission)
        if why:
            judged[admission.name] = (why, "", "")
            continue
        next_one = readmission(admission)
        counts = next_one is not None and (policy == "crude_30d" or not next_one.planned)
        judged[admission.name] = ("", next_one.name if next_one else "", str(counts).lower())
    return judged
