#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace runnerwatch {

// Whether somebody who may see these namespaces (none named: all) may see what is in this one. What
// is in none, since it spans several, is only for who may see all.
inline bool is_visible(const std::vector<std::string>& namespaces, const std::string& namespace_) {
    return namespaces.empty() ||
           std::find(namespaces.begin(), namespaces.end(), namespace_) != namespaces.end();
}

}  // namespace runnerwatch
