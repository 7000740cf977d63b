#pragma once

#include <cstddef>
#include <string_view>

namespace runnerwatch {

// A secret that is one because of the name before it.
struct SecretValue {
    std::size_t begin = 0, end = 0;  // in the text; end 0: there is none
    std::string_view kind;           // the word of the name that says so: "password"
};

// Looks at the `=` or `:` at `separator` as the middle of `key=value`, `"key":"value"` (also with
// escaped quotes) or `Header: value`. The name is not looked for before `from`.
SecretValue secret_value_at(std::string_view text, std::size_t separator, std::size_t from);

}  // namespace runnerwatch
