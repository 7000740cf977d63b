#pragma once

#include <tl/expected.hpp>

namespace runnerwatch {

// A value, or the reason there is none. std::expected once this compiles as C++23.
//
// A class of its own, not an alias, so that [[nodiscard]] also covers a Result that comes out
// of a co_await (clang reports it there, gcc 12 does not).
template <class T, class E>
class [[nodiscard]] Result : public tl::expected<T, E> {
public:
    using tl::expected<T, E>::expected;
};

template <class E>
tl::unexpected<std::decay_t<E>> failure(E&& error) {
    return tl::unexpected<std::decay_t<E>>(std::forward<E>(error));
}

}  // namespace runnerwatch
