"""All features: what people use, beside the monitor that hears, judges and stores.

Nothing else imports a feature. One that is taken out of this tuple leaves the others as they are.
"""

from callmon.feature import Feature
from callmon.features import (
    access,
    calls,
    disruptions,
    months,
    now,
    questions,
    standards,
    webhooks,
    worklist,
)

FEATURES: tuple[Feature, ...] = (
    now.FEATURE,
    calls.FEATURE,
    worklist.FEATURE,
    standards.FEATURE,
    months.FEATURE,
    disruptions.FEATURE,
    access.FEATURE,
    webhooks.FEATURE,
    questions.FEATURE,
)
