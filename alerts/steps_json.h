#pragma once

#include "parsers/rule.h"

#include <vector>

namespace runnerwatch {

// The steps of a fix as webhooks, the API and postmortems have them: every member, so that whoever
// reads one need not ask whether it is there. `Json` keeps an order of members, or does not.
template <class Json>
Json steps_json(const std::vector<FixStep>& steps) {
    Json list = Json::array();
    for (const FixStep& step : steps)
        list.push_back({{"says", step.says},
                        {"command", step.command},
                        {"versions", step.versions},
                        {"source", step.source}});
    return list;
}

}  // namespace runnerwatch
