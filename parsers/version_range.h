#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// A range of runner versions as rules write it: ">=18.3", "<18.10", ">=16.5 <18.4". Comparisons,
// separated by blanks or commas, that must all hold: >= > <= < =, each with one to three numbers.
// Only as many numbers are compared as the range names: "=18.3" and "<=18.3" hold for 18.3.5,
// ">18.3" begins with 18.4.
class VersionRange {
public:
    // Nothing when the text is no range. An empty text is the range of all versions.
    static std::optional<VersionRange> parse(std::string_view text);

    // `version` as the runner prints it: "19.4.0", "v18.3", "17.0.0~pre.5.gabc". Nothing when it
    // does not begin with a number, like "development version".
    std::optional<bool> contains(std::string_view version) const;

private:
    struct Comparison {
        std::string sign;
        std::vector<int> numbers;
    };
    std::vector<Comparison> comparisons_;
};

}  // namespace runnerwatch
