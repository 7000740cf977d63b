// The built-in forms of a postmortem: what we know is filled in, what only people know is asked.
#include "alerts/postmortem.h"

namespace runnerwatch {

namespace {

// As the postmortems of Google's SRE book are built.
constexpr std::string_view sre = R"md(# Postmortem: {{title}}

{{facts}}

## Summary

{{summary}}

> What did users notice, in one or two sentences?

## Impact

{{impact}}

> How many jobs failed or waited, whose were they, what did that cost?

## Root causes

{{causes}}

> Why was this possible? Go on asking until the answer is something that can be changed.

## Trigger

{{trigger}}

## Detection

{{detection}}

> Would anybody have noticed earlier? What would have told them?

## Resolution

{{resolution}}

## Action items

{{actions}}

## Lessons learned

### What went well

> What kept this from being worse?

### What went wrong

> What made it last longer or spread further than it had to?

### Where we got lucky

> What was it by chance that helped?

## Timeline

{{timeline}}

## Log excerpts

{{evidence}}

## Supporting data

{{members}}

{{deliveries}}

{{gaps}}

{{earlier}}
)md";

// As PagerDuty's own postmortems are built: first what happened to whom, then how it was handled.
constexpr std::string_view pagerduty = R"md(# {{title}}

{{facts}}

> Who owns this postmortem, and when is the meeting? Within five working days it is still fresh.

## Overview

{{summary}}

## What happened

{{trigger}}

{{detection}}

## Contributing factors

{{causes}}

> What else had to be true for this to happen? There is hardly ever only one.

## Resolution

{{resolution}}

> What was done to stop it now, and what is done so that it stays away?

## Impact

{{impact}}

- Time in which jobs could not run: {{duration}}
- Where: {{scope}}

> How many jobs and people, in numbers? How many tickets?

## Responders

{{deliveries}}

> Who led, who wrote down, who else helped?

## Timeline

{{timeline}}

## How did we do?

### What went well

> What worked as it should?

### What did not go well

> What cost time?

## Action items

{{actions}}

> Each with a ticket and somebody who does it.

## Messaging

> What was said to colleagues?

> What was said to customers?

## Supporting data

{{evidence}}

{{members}}

{{gaps}}

{{earlier}}
)md";

// For an issue in GitLab, as incident reviews are written there.
constexpr std::string_view gitlab = R"md(# Incident review: {{title}}

{{facts}}

## Summary

{{summary}}

- Rule: {{rule}}
- Severity: {{severity}}
- Lasted: {{duration}}

## Customer impact

{{impact}}

> Who was affected, how many, and how could they tell?

## Root cause

{{causes}}

## Incident response analysis

### How it was detected

{{detection}}

> How could the time until then be halved?

### How it was diagnosed

> What led to the cause? How could that be halved?

### How it was mitigated

{{resolution}}

> How could the time until then be halved?

## Post incident analysis

{{trigger}}

> Was it set off by a change? Which one?

{{earlier}}

> Was there work planned that would have prevented this?

## What went well

> What kept this from being worse?

## Corrective actions

{{actions}}

## Timeline

{{timeline}}

## Evidence

{{evidence}}

{{members}}

{{deliveries}}

{{gaps}}
)md";

}  // namespace

std::optional<std::string_view> built_in_template(std::string_view name) {
    if (name == "sre") return sre;
    if (name == "pagerduty") return pagerduty;
    if (name == "gitlab") return gitlab;
    return std::nullopt;
}

}  // namespace runnerwatch
