#include "parsers/exceptions.h"

#include "parsers/digest.h"
#include "parsers/strict_yaml.h"

#include <re2/re2.h>

#include <algorithm>
#include <map>

namespace runnerwatch {
namespace {

// A day ends when it is over: an exception of "2026-03-31" holds on that day.
std::optional<Timestamp> end_from(const std::string& text) {
    if (const auto time = parse_time(text); time && time->length == text.size()) return time->time;
    if (const auto day = parse_time(text + "T00:00:00Z"); day && text.size() == 10)
        return day->time + std::chrono::hours(24);
    return std::nullopt;
}

std::string id_of(const Exception& one) {
    std::string text = one.rule + '\0' + one.template_id;
    for (const FieldPattern& part : one.match) text += '\0' + part.field + '\0' + part.pattern;
    return sha256_hex(text).substr(0, 12);
}

Exception read_exception(const YAML::Node& node, const std::string& place, const RulePack& pack,
                         YamlFaults& faults) {
    YamlMap map(node, place, faults);
    Exception one;
    one.line = line_of(node);
    one.rule = map.text("rule");
    one.template_id = map.text("template");
    if (one.rule.empty() == one.template_id.empty())
        map.fault(one.line, place +
                                ": give either 'rule' (the id of a rule) or 'template' (the id "
                                "of unclassified messages, see `runnerwatch scan --all`)");
    if (!one.rule.empty() && pack.find(one.rule) == nullptr) {
        std::vector<std::string> ids;
        for (const Rule& rule : pack.rules) ids.push_back(rule.id);
        map.fault(map.line("rule"),
                  place + ": there is no rule '" + one.rule + "'" + suggestion(one.rule, ids));
    }
    map.each_text("match", [&](const std::string& field, const std::string& text, int line) {
        if (const RE2 regex(text, RE2::Quiet); !regex.ok())
            map.fault(line, place + ".match: the pattern of '" + field +
                                "' is no regular expression (RE2): " + regex.error());
        one.match.push_back({field, text});
    });
    if (!one.template_id.empty() && !one.match.empty())
        map.fault(map.line("match"), place + ": 'match' goes with 'rule' only");
    one.owner = map.required_text("owner");
    one.reason = map.required_text("reason");
    const std::string expires = map.required_text("expires");
    if (expires != "never") one.expires = end_from(expires);
    if (!expires.empty() && expires != "never" && !one.expires)
        map.fault(map.line("expires"), place + ": '" + expires +
                                           "' is no end; write a day, as in 2026-03-31, a time, as "
                                           "in 2026-03-31T18:00:00Z, or never");
    map.finish();
    one.id = id_of(one);
    return one;
}

}  // namespace

struct Exceptions::Compiled {
    std::vector<Exception> all;
    std::map<std::string, std::unique_ptr<RE2>> regexes;

    bool holds(const FieldPattern& part, const Detection& detection, const Record& record) const {
        const std::string* text = part.field == "message" ? &record.message : nullptr;
        if (const auto value = detection.values.find(part.field); value != detection.values.end())
            text = &value->second;
        return text != nullptr && RE2::FullMatch(*text, *regexes.at(part.pattern));
    }
};

Exceptions::Exceptions() : compiled_(std::make_unique<Compiled>()) {}
Exceptions::~Exceptions() = default;
Exceptions::Exceptions(Exceptions&&) noexcept = default;
Exceptions& Exceptions::operator=(Exceptions&&) noexcept = default;

const std::vector<Exception>& Exceptions::all() const { return compiled_->all; }

Result<Exceptions, std::vector<RuleError>> Exceptions::load(const std::vector<RuleFile>& files,
                                                            const RulePack& pack) {
    Exceptions exceptions;
    auto& all = exceptions.compiled_->all;
    std::vector<RuleError> errors;
    for (const RuleFile& file : files) {
        YamlFaults faults;
        if (const auto node = parse_yaml(file.text, faults)) {
            YamlMap map(*node, "the file", faults);
            map.each("exceptions", [&](const YAML::Node& item, const std::string& place) {
                all.push_back(read_exception(item, place, pack, faults));
                all.back().file = file.name;
            });
            map.finish();
        }
        for (const YamlFault& fault : faults) errors.push_back({file.name, fault.line, fault.what});
    }
    if (!errors.empty()) return failure(std::move(errors));
    for (const Exception& one : all)
        for (const FieldPattern& part : one.match)
            exceptions.compiled_->regexes.emplace(part.pattern,
                                                  std::make_unique<RE2>(part.pattern, RE2::Quiet));
    return exceptions;
}

const Exception* Exceptions::of(const Detection& detection, const Record& record,
                                Timestamp now) const {
    for (const Exception& one : compiled_->all) {
        if (one.rule != detection.rule->id || expired(one, now)) continue;
        if (std::all_of(one.match.begin(), one.match.end(), [&](const FieldPattern& part) {
                return compiled_->holds(part, detection, record);
            }))
            return &one;
    }
    return nullptr;
}

const Exception* Exceptions::of_template(std::string_view template_id, Timestamp now) const {
    for (const Exception& one : compiled_->all)
        if (!one.template_id.empty() && one.template_id == template_id && !expired(one, now))
            return &one;
    return nullptr;
}

}  // namespace runnerwatch
