#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// A member of a JSON object whose nested values are not looked into.
struct JsonMember {
    std::string key;
    std::string value;  // a string decoded; anything else as it is written
    bool string = false;
};

// Reads one line that is a JSON object, members in their order. False when it is not one (cut,
// broken, something behind it). Linear and without recursion, however deep the nesting.
bool read_flat_json(std::string_view text, std::vector<JsonMember>& members);

}  // namespace runnerwatch
