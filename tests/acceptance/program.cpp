#include "tests/acceptance/program.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <stdexcept>

namespace runnerwatch {

namespace {

std::string take(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(file), {}};
    std::filesystem::remove(path);
    return text;
}

void redirect(int descriptor, const char* path, int flags) {
    const int opened = ::open(path, flags, 0600);
    if (opened < 0 || ::dup2(opened, descriptor) < 0) ::_exit(126);
}

}  // namespace

Program::Program() {
    std::string name =
        (std::filesystem::temp_directory_path() / "runnerwatch-program-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("no folder: " + name);
    folder_ = name;
}

Program::~Program() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
}

Outcome Program::run(const std::vector<std::string>& arguments) const {
    std::vector<std::string> words{"runnerwatch"};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> pointers;
    for (auto& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    const std::string out = file("stdout of the program"), err = file("stderr of the program");
    const pid_t child = ::fork();
    if (child == 0) {
        redirect(STDIN_FILENO, "/dev/null", O_RDONLY);
        redirect(STDOUT_FILENO, out.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
        redirect(STDERR_FILENO, err.c_str(), O_WRONLY | O_CREAT | O_TRUNC);
        if (::chdir(folder_.c_str()) != 0) ::_exit(126);
        if (!privileges_) {
            // What root gets at an exec is bounded by this; for others nothing changes.
            ::prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE);
            ::prctl(PR_CAPBSET_DROP, CAP_DAC_READ_SEARCH);
        }
        if (file_bytes_max_ > 0) {
            const rlimit limit{file_bytes_max_, file_bytes_max_};
            ::setrlimit(RLIMIT_FSIZE, &limit);
        }
        for (const auto& [name, value] : environment_) ::setenv(name.c_str(), value.c_str(), 1);
        ::execv(RUNNERWATCH_BINARY, pointers.data());
        ::_exit(127);
    }
    int status = 0;
    rusage used{};
    if (child < 0 || ::wait4(child, &status, 0, &used) != child)
        throw std::runtime_error("the program could not be run");
    Outcome outcome;
    outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.out = take(out);
    outcome.err = take(err);
    outcome.peak_kib = used.ru_maxrss;
    return outcome;
}

}  // namespace runnerwatch
