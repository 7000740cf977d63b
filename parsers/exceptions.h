#pragma once

#include "parsers/matcher.h"
#include "parsers/result.h"
#include "parsers/rule_loader.h"
#include "parsers/timestamp.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runnerwatch {

// Something that is known, accepted, and not to be told for a while: detections of a rule, or the
// unclassified messages of a template. Kept apart from the rules, with an owner and an end.
struct Exception {
    std::string id;                   // of what it is about: the same text gives the same id
    std::string rule;                 // id of the rule, or empty
    std::string template_id;          // of unclassified messages, or empty
    std::vector<FieldPattern> match;  // all must match the whole value; "message" too
    std::string owner, reason;
    std::optional<Timestamp> expires;  // none: never
    std::string file;
    int line = 0;
};

// The exceptions of all rule folders, each in its file exceptions.yaml:
//
//   exceptions:
//     - rule: long-polling            # or template: ID
//       match: {runner_name: 'legacy-.*'}   # optional
//       owner: team-ci
//       reason: replaced in March
//       expires: 2026-03-31           # or never
//
// Immutable; any thread.
class Exceptions {
public:
    static constexpr std::string_view file_name = "exceptions.yaml";

    Exceptions();
    ~Exceptions();
    Exceptions(Exceptions&&) noexcept;
    Exceptions& operator=(Exceptions&&) noexcept;

    // Every error, not only the first. A rule that is named must be in `pack`.
    static Result<Exceptions, std::vector<RuleError>> load(const std::vector<RuleFile>& files,
                                                           const RulePack& pack);

    const std::vector<Exception>& all() const;

    // The first exception that holds at `now` for a detection, or for a message of a template;
    // nullptr when none does. An expired one holds for nothing.
    const Exception* of(const Detection& detection, const Record& record, Timestamp now) const;
    const Exception* of_template(std::string_view template_id, Timestamp now) const;

private:
    struct Compiled;
    std::unique_ptr<Compiled> compiled_;
};

inline bool expired(const Exception& exception, Timestamp now) {
    return exception.expires && *exception.expires <= now;
}

}  // namespace runnerwatch
