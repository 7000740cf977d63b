// What people do to incidents.
#include "alerts/book_state.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace runnerwatch {

using nlohmann::json;

namespace {

using Kind = ActRefusal::Kind;
using Answer = Result<ActDone, ActRefusal>;

std::string dump(const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string until_words(const std::optional<Timestamp>& until) {
    return until ? " until " + format_time_for_people(*until) : "";
}

json until_json(const std::optional<Timestamp>& until) {
    return until ? json(format_time(*until)) : json();
}

// Names go into messages, tables and logs.
std::string wrong_name(const std::string& what, const std::string& name) {
    if (name.size() > ActRequest::name_bytes_max)
        return what + " has more than " + std::to_string(ActRequest::name_bytes_max) + " bytes";
    if (std::any_of(name.begin(), name.end(), [](unsigned char c) { return c < ' ' || c == 0x7f; }))
        return what + " has control characters in it";
    return {};
}

std::string wrong_tag(const std::string& tag) {
    const bool plain = std::all_of(tag.begin(), tag.end(), [](unsigned char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._:/=-").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain && !tag.empty() && tag.size() <= ActRequest::tag_bytes_max) return {};
    return "a tag is 1 to " + std::to_string(ActRequest::tag_bytes_max) +
           " letters, digits and . _ : / = -";
}

std::string wrong_until(const std::optional<Timestamp>& until, Timestamp now) {
    if (!until) return {};
    if (*until <= now) return "until " + format_time_for_people(*until) + " has passed";
    if (*until > now + ActRequest::until_max) return "until is more than a year away";
    return {};
}

// What makes no sense whatever the incident; empty: nothing.
std::string wrong_in(const ActRequest& request, Timestamp now) {
    if (request.actor.empty()) return "nobody is named who does it (actor)";
    if (auto wrong = wrong_name("actor", request.actor); !wrong.empty()) return wrong;
    if (request.note.size() > ActRequest::note_bytes_max)
        return "the note has more than " + std::to_string(ActRequest::note_bytes_max) + " bytes";
    if (const auto* ack = std::get_if<Acknowledge>(&request.act)) {
        auto wrong = wrong_name("owner", ack->owner);
        return wrong.empty() ? wrong_until(ack->until, now) : wrong;
    }
    if (const auto* snooze = std::get_if<Snooze>(&request.act)) {
        if (!snooze->until && !snooze->count && !snooze->until_worse)
            return "nothing says what ends the snooze: a time, a count, or that it gets worse";
        if (snooze->count && *snooze->count < 1) return "count is not 1 or more";
        return wrong_until(snooze->until, now);
    }
    if (const auto* assign = std::get_if<Assign>(&request.act))
        return wrong_name("the assignee", assign->to);
    if (std::holds_alternative<AddNote>(request.act) && request.note.empty())
        return "the note is empty";
    const auto* tag = std::get_if<Tag>(&request.act);
    const auto* untag = std::get_if<Untag>(&request.act);
    if (!tag && !untag) return {};
    const auto& tags = tag ? tag->tags : untag->tags;
    if (tags.empty()) return "no tag is named";
    for (const auto& one : tags)
        if (auto wrong = wrong_tag(one); !wrong.empty()) return wrong;
    return {};
}

std::string joined(const std::set<std::string>& words, const char* between) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : between) + word;
    return text;
}

std::string snooze_words(const Snooze& snooze) {
    std::string words = until_words(snooze.until);
    const auto add = [&](const std::string& more) {
        words += (words.empty() ? " " : " or ") + more;
    };
    if (snooze.count) add("until it was seen " + std::to_string(*snooze.count) + " times");
    if (snooze.until_worse) add("until its severity rises");
    return words;
}

// Acts that make no sense on what is over, and those that belong to the whole it is a symptom of.
bool needs_life(const IncidentAct& act) {
    return std::holds_alternative<Acknowledge>(act) || std::holds_alternative<Snooze>(act);
}
bool needs_own_life(const IncidentAct& act) {
    return needs_life(act) || std::holds_alternative<ResolveByHand>(act) ||
           std::holds_alternative<MergeInto>(act) || std::holds_alternative<Assign>(act);
}

const char* done_words(const IncidentAct& act) {
    static constexpr const char* words[] = {
        "acknowledged", "unacknowledged", "snoozed",  "woken",  "assigned", "given a note",
        "tagged",       "untagged",       "resolved", "merged", "split off"};
    static_assert(std::size(words) == std::variant_size_v<IncidentAct>);
    return words[act.index()];
}

}  // namespace

const char* name_of(const IncidentAct& act) {
    static constexpr const char* names[] = {"ack", "unack", "snooze",  "unsnooze", "assign", "note",
                                            "tag", "untag", "resolve", "merge",    "split"};
    static_assert(std::size(names) == std::variant_size_v<IncidentAct>);
    return names[act.index()];
}

void IncidentBook::State::note_act(Incident& incident, const ActRequest& request,
                                   const std::string& text, const std::string& details,
                                   Timestamp now) {
    const char* kind = name_of(request.act);
    const std::int64_t change =
        write_row(incident, now, ClockKind::ours, kind, request.actor, text, {}, details);
    changes.audit[{incident.row.key, change}] =
        AuditRow{incident.row.key, change, now, request.actor, request.origin, kind, details};
}

Result<ActDone, ActRefusal> IncidentBook::State::resolve(Incident& incident,
                                                         const ActRequest& request, Timestamp now) {
    bool any = false;
    // Over is what people see as one.
    for (const Incident* part : group_of(incident.row.key)) {
        Incident& one = incidents.at(part->row.key);
        if (is_over(one.row.state)) continue;
        const std::string proof = "resolved by " + request.actor;
        for (auto& [name, member] : one.members) {
            member.state = MemberState::recovered;
            member.proof = proof;
            member.waits_since.reset();
            dirty_members.insert({one.row.key, name});
        }
        note_act(one, request, proof, "{}", now);
        one.row.resolved_by = request.actor;
        end(one, one.row.last_seen, proof, now);
        any = true;
    }
    if (any || !incident.row.resolved_by.empty()) return ActDone{any};
    return failure(ActRefusal{
        Kind::conflict, name_for_people(incident.row) + " was not resolved: it is over already (" +
                            incident.row.proof + "). Nothing is left to do."});
}

// An act that was found to make sense; without its note.
Result<ActDone, ActRefusal> IncidentBook::State::act(Incident& incident, const ActRequest& request,
                                                     Timestamp now) {
    IncidentRow& row = incident.row;
    const std::string& actor = request.actor;
    if (const auto* ack = std::get_if<Acknowledge>(&request.act)) {
        const std::string owner = ack->owner.empty() ? actor : ack->owner;
        if (row.acknowledged_by == owner && row.acknowledged_until == ack->until)
            return ActDone{false};
        row.acknowledged_by = owner;
        row.acknowledged_until = ack->until;
        note_act(incident, request,
                 "acknowledged by " + actor + (owner == actor ? "" : " for " + owner) +
                     until_words(ack->until),
                 dump({{"owner", owner}, {"until", until_json(ack->until)}}), now);
    } else if (std::holds_alternative<Unacknowledge>(request.act)) {
        if (row.acknowledged_by.empty()) return ActDone{false};
        note_act(incident, request, "no longer acknowledged by " + row.acknowledged_by, "{}", now);
        row.acknowledged_by.clear();
        row.acknowledged_until.reset();
    } else if (std::holds_alternative<Snooze>(request.act)) {
        return snooze(incident, request, now);
    } else if (std::holds_alternative<Unsnooze>(request.act)) {
        if (row.snoozed_by.empty()) return ActDone{false};
        note_act(incident, request, "the snooze of " + row.snoozed_by + " ended by " + actor, "{}",
                 now);
        end_snooze(row);
    } else if (const auto* assign = std::get_if<Assign>(&request.act)) {
        if (row.assignee == assign->to) return ActDone{false};
        note_act(incident, request,
                 assign->to.empty() ? "assigned to nobody by " + actor
                                    : "assigned to " + assign->to + " by " + actor,
                 dump({{"to", assign->to}, {"before", row.assignee}}), now);
        row.assignee = assign->to;
    } else if (std::holds_alternative<AddNote>(request.act)) {
        note_act(incident, request, request.note, "{}", now);
    } else if (std::holds_alternative<Tag>(request.act) ||
               std::holds_alternative<Untag>(request.act)) {
        return change_tags(incident, request, now);
    } else if (std::holds_alternative<ResolveByHand>(request.act)) {
        return resolve(incident, request, now);
    } else if (const auto* into = std::get_if<MergeInto>(&request.act)) {
        return merge(incident, request, into->into, now);
    } else {
        return split(incident, request, now);
    }
    return ActDone{true};
}

Result<ActDone, ActRefusal> IncidentBook::State::snooze(Incident& incident,
                                                        const ActRequest& request, Timestamp now) {
    IncidentRow& row = incident.row;
    const Snooze& asked = std::get<Snooze>(request.act);
    const std::int64_t count = asked.count.value_or(0);
    if (count > 0 && count <= row.count)
        return failure(ActRefusal{Kind::conflict, name_for_people(row) +
                                                      " was not snoozed: it has been seen " +
                                                      std::to_string(row.count) +
                                                      " times already. Name a higher count."});
    if (!row.snoozed_by.empty() && row.snoozed_until == asked.until && row.snoozed_count == count &&
        row.snoozed_until_worse == asked.until_worse)
        return ActDone{false};
    row.snoozed_by = request.actor;
    row.snoozed_until = asked.until;
    row.snoozed_count = count;
    row.snoozed_until_worse = asked.until_worse;
    note_act(incident, request, "snoozed by " + request.actor + snooze_words(asked),
             dump({{"until", until_json(asked.until)},
                   {"count", asked.count ? json(count) : json()},
                   {"until_worse", asked.until_worse}}),
             now);
    return ActDone{true};
}

Result<ActDone, ActRefusal> IncidentBook::State::change_tags(Incident& incident,
                                                             const ActRequest& request,
                                                             Timestamp now) {
    IncidentRow& row = incident.row;
    const auto before = tag_list(row.tags);
    std::set<std::string> after(before.begin(), before.end());
    std::set<std::string> changed_tags;
    if (const auto* tag = std::get_if<Tag>(&request.act)) {
        for (const auto& one : tag->tags)
            if (after.insert(one).second) changed_tags.insert(one);
    } else {
        for (const auto& one : std::get<Untag>(request.act).tags)
            if (after.erase(one) > 0) changed_tags.insert(one);
    }
    if (changed_tags.empty()) return ActDone{false};
    if (after.size() > ActRequest::tags_max)
        return failure(ActRefusal{
            Kind::full, name_for_people(row) + " was not tagged: it would have more than " +
                            std::to_string(ActRequest::tags_max) + " tags. Take some off first."});
    row.tags = joined(after, " ");
    note_act(incident, request,
             std::string(done_words(request.act)) + " by " + request.actor + ": " +
                 joined(changed_tags, ", "),
             dump({{"tags", changed_tags}}), now);
    return ActDone{true};
}

Result<ActDone, ActRefusal> IncidentBook::act(const ActRequest& request, Timestamp now) {
    const auto found = state_->incidents.find(request.incident);
    if (found == state_->incidents.end())
        return failure(ActRefusal{Kind::no_such_incident,
                                  "There is no incident " + request.incident +
                                      ". `runnerwatch incidents` lists those there are."});
    Incident& incident = found->second;
    const IncidentRow& row = incident.row;
    const auto refuse = [&](Kind kind, const std::string& why) {
        return failure(ActRefusal{
            kind, name_for_people(row) + " was not " + done_words(request.act) + ": " + why});
    };
    if (const std::string wrong = wrong_in(request, now); !wrong.empty())
        return refuse(Kind::invalid, wrong + ". Nothing was changed; give it otherwise.");
    if (row.state == IncidentState::folded && needs_own_life(request.act)) {
        const auto cause = state_->incidents.find(row.folded_into);
        return refuse(Kind::conflict,
                      "it is a symptom of " +
                          (cause == state_->incidents.end() ? "another incident"
                                                            : name_for_people(cause->second.row)) +
                          ". Do it to that one.");
    }
    if (is_over(row.state) && !state_->in_living_group(row.key) && needs_life(request.act))
        return refuse(Kind::conflict, "it is over (" + row.proof +
                                          "). It opens again when it is seen again; notes, tags "
                                          "and an assignee are possible now.");
    if (row.changes >= timeline_max + act_rows_max)
        return refuse(Kind::full, "its timeline has " + std::to_string(row.changes) +
                                      " rows, which is the limit. Resolve or split it.");
    const std::string merged_before = row.merged_into;
    auto done = state_->act(incident, request, now);
    const bool note_is_told = std::holds_alternative<AddNote>(request.act);
    if (done && !request.note.empty() && !note_is_told) {
        ActRequest note = request;
        note.act = AddNote{};
        state_->note_act(incident, note, request.note, "{}", now);
        done->changed = true;
    }
    state_->settle_unsettled(now);
    if (!done) return done;
    done->incident = row;
    const std::string key = row.key;
    state_->leave_if_alone(key);
    state_->leave_if_alone(merged_before);
    return done;
}

std::size_t IncidentBook::recalled() const { return state_->recalled.size(); }

bool IncidentBook::recall(const IncidentDetail& stored, Timestamp now) {
    const IncidentRow& row = stored.incident;
    const bool held = state_->incidents.contains(row.key);
    if (!held && state_->recalled.size() >= recalled_max) state_->forget_recalled(now);
    if (!held && state_->recalled.size() >= recalled_max) return false;
    const auto [found, fresh] = state_->incidents.try_emplace(row.key);
    Incident& incident = found->second;
    incident.kept_until = now + recalled_for;
    if (!fresh) return true;
    state_->recalled.insert(row.key);
    incident.row = row;
    incident.rule = state_->rule(row.rule);
    if (!row.values.empty()) incident.values = json::parse(row.values).get<Values>();
    for (const auto& member : stored.members) incident.members[member.place.member] = member;
    for (const auto& proof : stored.evidence) incident.evidence[proof.slot] = proof;
    if (!row.merged_into.empty()) state_->merged[row.merged_into].insert(row.key);
    return true;
}

std::string IncidentBook::key_of(std::string_view id) const {
    if (id.starts_with('#')) id.remove_prefix(1);
    if (const auto found = state_->incidents.find(std::string(id));
        found != state_->incidents.end())
        return found->first;
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
    const bool is_number = error == std::errc() && end == id.data() + id.size() && number > 0;
    for (const auto& [key, incident] : state_->incidents)
        if (is_number ? incident.row.number == number : incident.row.ulid == id) return key;
    return {};
}

}  // namespace runnerwatch
