#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace runnerwatch {

namespace asio = boost::asio;

// The one thread on which everything but SQLite runs. g++ 12 miscompiles temporaries inside a
// co_await expression: only names, calls and scalars stand there (tests/tidy.sh checks).
using Loop = asio::any_io_executor;

}  // namespace runnerwatch
