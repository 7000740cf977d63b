#pragma once

namespace runnerwatch {

struct DemoOptions {
    double rate = 12;   // times faster than real
    bool once = false;  // end when the story has been told
};

// The whole daemon over real HTTP on loopback, against a replay API server that plays recordings
// of a real GitLab Runner: a wrong token, a read-only configuration directory, the long-polling
// warning; then the fix as a rollout; then recovery. Serves until ctrl-C. Returns the exit code.
int run_demo(const DemoOptions& options);

}  // namespace runnerwatch
