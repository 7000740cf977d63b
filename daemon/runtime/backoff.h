#pragma once

#include "parsers/timestamp.h"

namespace runnerwatch {

// Waits that double from `first` to `most`, each spread over its upper half so that many clients
// do not come back at once.
class Backoff {
public:
    Backoff(Duration first, Duration most) : first_(first), most_(most) {}
    Duration next();
    void reset() { tries_ = 0; }
    int tries() const { return tries_; }

private:
    Duration first_, most_;
    int tries_ = 0;
};

}  // namespace runnerwatch
