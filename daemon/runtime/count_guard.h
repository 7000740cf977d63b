#pragma once

#include <cstddef>

namespace runnerwatch {

// One more in `count`, which must outlive it, as long as it lives. Confined to the count's thread.
class CountGuard {
public:
    explicit CountGuard(std::size_t& count) : count_(count) { ++count_; }
    ~CountGuard() { --count_; }
    CountGuard(const CountGuard&) = delete;
    CountGuard& operator=(const CountGuard&) = delete;

private:
    std::size_t& count_;
};

}  // namespace runnerwatch
