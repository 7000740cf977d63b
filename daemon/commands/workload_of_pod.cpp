#include "daemon/commands/scan_report.h"

namespace runnerwatch {
namespace {

// Pod names end in characters of this alphabet (k8s.io/apimachinery/pkg/util/rand/rand.go:83).
bool is_generated(std::string_view part, std::size_t shortest, std::size_t longest) {
    return part.size() >= shortest && part.size() <= longest &&
           part.find_first_not_of("bcdfghjklmnpqrstvwxz2456789") == std::string_view::npos;
}

std::string_view last_part(std::string_view name) {
    const std::size_t dash = name.rfind('-');
    return dash == std::string_view::npos ? std::string_view() : name.substr(dash + 1);
}

}  // namespace

std::string workload_of_pod(std::string_view pod) {
    std::string_view name = pod;
    const std::string_view ending = last_part(name);
    const bool ordinal = !ending.empty() && ending.size() < 5 &&
                         ending.find_first_not_of("0123456789") == std::string_view::npos;
    if (ordinal || is_generated(ending, 5, 5)) {
        name.remove_suffix(ending.size() + 1);
        if (const std::string_view hash = last_part(name); !ordinal && is_generated(hash, 8, 10))
            name.remove_suffix(hash.size() + 1);
    }
    return std::string(name);
}

}  // namespace runnerwatch
