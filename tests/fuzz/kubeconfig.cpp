// A kubeconfig: whatever it holds, it is an access or a reason why not.
#include "parsers/kubeconfig.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    const auto access =
        read_kubeconfig({{"config", "/home/user/.kube", std::string(text_of(data, size))}}, "");
    must(access ? !access->server.empty() : !access.error().what.empty(),
         "there is a server, or a reason");
    return 0;
}
