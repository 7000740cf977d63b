#pragma once

#include <string>
#include <string_view>

namespace runnerwatch {

// Log text made safe for a terminal, a page or JSON: control characters, ESC and carriage returns
// as Unicode control pictures (␛, ␍), bidirectional and zero-width characters as "‹U+202E›",
// invalid UTF-8 as U+FFFD. Tabs stay; newlines stay when `Newlines::keep`, else become "␊".
enum class Newlines { keep, show };
std::string visible_text(std::string_view text, Newlines newlines = Newlines::show);

// At most `bytes_max` bytes of `text`, cut at a character's edge, with "…" when it was cut.
std::string shortened(std::string_view text, std::size_t bytes_max);

}  // namespace runnerwatch
