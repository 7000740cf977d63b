#pragma once

namespace runnerwatch {

// A peer that is gone without a word is noticed: an idle connection is probed after 30 s and then
// every 10 s, and one whose data is not acknowledged for 60 s is at its end. Errors are ignored:
// without it the reader's own probes notice.
void notice_dead_peer(int socket);

}  // namespace runnerwatch
