// The rules of a running daemon: read again, put in force, refused.

#include "daemon/app.h"

#include <spdlog/spdlog.h>

namespace runnerwatch {

void App::use_rules(RuleSet rules) {
    // Between two turns of the loop nothing points to a rule but the book, the ledger and the
    // delivery loop, and they are bound to the new pack before the old one goes.
    matcher_->swap(*rules.matcher);
    heads_.forget();
    const RulePack& pack = matcher_->pack();
    shown_pack_ = std::make_shared<const RulePack>(pack);
    book_->use_pack(pack, clock_.now());
    ledger_->use_pack(pack);
    delivery_->use_pack(pack);
    exceptions_.use(std::move(rules.exceptions));
    rules_trouble_.clear();
    metrics_.rules_reloaded(true);
    metrics_.set_rules(pack.rules.size(), true);
    spdlog::info("rules read again: {} in force, version {}", pack.rules.size(), pack.version);
    for (const auto& words : exceptions_.expired_words(clock_.now())) spdlog::warn("{}", words);
    committer_->kick();
}

void App::refuse_rules(const std::vector<std::string>& errors) {
    for (const auto& error : errors) spdlog::error("{}", error);
    rules_trouble_ =
        "the rules on disk are refused: " + errors.front() +
        (errors.size() == 1 ? std::string()
                            : " (and " + std::to_string(errors.size() - 1) + " more)") +
        "; those read before stay in force. Correct the file: it is read again when "
        "it changes. `runnerwatch rules test FOLDER` says when it is right.";
    spdlog::error("{}", rules_trouble_);
    metrics_.rules_reloaded(false);
    metrics_.set_rules(matcher_->pack().rules.size(), false);
}

asio::awaitable<void> App::reload_rules() {
    auto read = [folders = config_.rules] { return load_rule_set(folders); };
    auto rules = co_await worker_thread_.run(read);
    if (rules)
        use_rules(std::move(*rules));
    else
        refuse_rules(rules.error());
}

// A look at names, sizes and times is cheap and works on every file system, also on the ones that
// Kubernetes mounts ConfigMaps with, where a change is a change of a link.
asio::awaitable<void> App::watch_rules() {
    auto look = [folders = config_.rules] { return rules_stamp(folders); };
    std::string known = co_await worker_thread_.run(look);
    while (!config_.rules.empty()) {
        co_await clock_.sleep(rules_looked_at_every);
        std::string now = co_await worker_thread_.run(look);
        if (now == known) continue;
        known = std::move(now);
        co_await reload_rules();
    }
}

}  // namespace runnerwatch
