// What an API server sends: a line of a watch, a list of pods, a refusal.
#include "parsers/follow_choice.h"
#include "tests/fuzz/target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace runnerwatch;
    const std::string_view text = text_of(data, size);
    const auto event = parse_watch_event(text);
    if (!event) must(!event.error().empty(), "a refusal has a reason");
    if (event && event->kind != WatchEvent::Kind::error)
        for (const auto& container : event->pod.containers)
            (void)choose_container({}, event->pod, container);
    const auto list = parse_pod_list(text);
    if (!list) must(!list.error().empty(), "a refusal has a reason");
    (void)parse_api_status(500, text);
    return 0;
}
