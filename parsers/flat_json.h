#pragma once

#include <cstddef>
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

// Reads text that is a JSON object, on one line or several, members in their order. False when it
// is not one (cut, broken, something behind it). Linear and without recursion, however deep the
// nesting.
bool read_flat_json(std::string_view text, std::vector<JsonMember>& members);

// Reads what is left of an object that was cut at its end, or has something behind it: members up
// to there, the last one as far as it goes. With its beginning cut off, `text` starts at a member.
void read_cut_json(std::string_view text, std::vector<JsonMember>& members);

// Where the first whole member begins in an object whose beginning was cut off: at the quote of
// `"key":` behind a comma. npos when there is none.
std::size_t find_json_member(std::string_view text);

}  // namespace runnerwatch
