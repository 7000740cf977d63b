#pragma once

#include "parsers/matcher.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runnerwatch {

// A part of a rule's identity: NAME, host(NAME) or mask(NAME).
struct IdentityPart {
    enum class Function { none, host, mask };
    Function function = Function::none;
    std::string name;

    explicit IdentityPart(const std::string& text);

    // What it is for a record with these values; a value that is missing is no part.
    std::optional<std::pair<std::string, std::string>> of(const Values& values) const;
};

// The parts of a rule's identity in a record with these `values`.
std::vector<std::pair<std::string, std::string>> identity_of(const Rule& rule,
                                                             const Values& values);

// The host of a URL in lower case, with its port unless that is the scheme's own; empty when
// there is none.
std::string host_of_url(std::string_view url);

}  // namespace runnerwatch
