#include "daemon/commands/incidents.h"

#include "alerts/postmortem.h"
#include "daemon/commands/incident_text.h"
#include "daemon/rule_files.h"
#include "parsers/visible_text.h"

#include <ostream>
#include <set>

namespace runnerwatch {
namespace {

using json = nlohmann::ordered_json;

int refuse(std::ostream& errors, const std::string& what, int code = 2) {
    errors << "runnerwatch: " << what << "\n";
    return code;
}

// Log text in a table must not move the cursor of a terminal.
std::string shown(const json& row, const char* name) {
    const auto found = row.find(name);
    return found != row.end() && found->is_string()
               ? visible_text(found->get_ref<const std::string&>())
               : std::string();
}

Listing incidents_listing(const json& incidents) {
    Listing listing{{{"#", "#"},
                     {"severity", "SEVERITY"},
                     {"state", "STATE"},
                     {"first", "FIRST SEEN"},
                     {"last", "LAST SEEN"},
                     {"count", "COUNT"},
                     {"title", "WHAT"},
                     {"scope", "WHERE"}},
                    {}};
    for (const json& incident : incidents) {
        json row{{"#", incident.at("number")}};
        for (const char* name : {"severity", "state", "title", "scope"})
            row[name] = shown(incident, name);
        row["first"] = time_for_people(incident.at("first_seen"));
        row["last"] = time_for_people(incident.at("last_seen"));
        row["count"] = incident.at("count");
        if (!incident.value("merged_into", "").empty())
            row["state"] = shown(incident, "state") + ", merged";
        listing.rows.push_back(std::move(row));
    }
    return listing;
}

Listing statistics_listing(const json& body) {
    Listing listing{{{"rule", "RULE"},
                     {"incidents", "INCIDENTS"},
                     {"going_on", "OPEN"},
                     {"mttd", "MTTD P50/P90 (N)"},
                     {"mtta", "MTTA"},
                     {"mttm", "MTTM"},
                     {"mttr", "MTTR"},
                     {"again", "AGAIN 7/30/90 D"}},
                    {}};
    const auto add = [&](const std::string& name, const json& sums) {
        json row{
            {"rule", name}, {"incidents", sums.at("incidents")}, {"going_on", sums.at("going_on")}};
        for (const char* measure : {"mttd", "mtta", "mttm", "mttr"}) {
            const json& of = sums.at(measure);
            row[measure] = of.at("n") == 0 ? std::string("-")
                                           : seconds_for_people(of.at("p50_seconds")) + " / " +
                                                 seconds_for_people(of.at("p90_seconds")) + " (" +
                                                 of.at("n").dump() + ")";
        }
        std::string again;
        for (const auto& [unused, number] : sums.at("recurred").items())
            again += (again.empty() ? "" : " / ") + number.dump();
        row["again"] = again;
        listing.rows.push_back(std::move(row));
    };
    for (const json& rule : body.at("rules")) add(rule.at("rule").get<std::string>(), rule);
    add("all", body.at("all"));
    return listing;
}

std::string similar_text(const json& body, const TextStyle& style) {
    std::string text = "Past incidents of " + shown(body, "rule") + ", beside #" +
                       body.at("number").dump() + ":\n";
    if (body.at("similar").empty()) text += "  none has ended yet\n";
    for (const json& one : body.at("similar")) {
        text += "\n" + incident_heading(one, style) + "\n";
        text += row(
            "when",
            time_for_people(one.at("first_seen")) + " to " + time_for_people(one.at("ended_at")),
            style);
        text += row("where", shown(one, "scope"), style);
        if (one.at("cause").is_string()) text += row("why", shown(one, "cause"), style);
        text += row("proof", shown(one, "proof"), style);
        for (const json& change : one.at("changes"))
            text += row("before that",
                        time_for_people(change.at("at")) + " " + shown(change, "text") + " (" +
                            shown(change, "actor") + ")",
                        style);
    }
    return text;
}

bool is_document(ListFormat format) {
    return format == ListFormat::json || format == ListFormat::yaml;
}

int print(const std::string& text, std::ostream& out, int code) {
    out << text;
    return out.flush() ? code : 2;
}

std::string document_text(const json& body, ListFormat format) {
    return format == ListFormat::json ? json_text(body) : yaml_text(body);
}

// The stories of `ids`, or nothing: then the exit code, and it was said why.
std::vector<json> stories_of(const HistorySource& source, const std::vector<std::string>& ids,
                             std::ostream& errors, int& code) {
    std::vector<json> stories;
    for (const auto& words : ids) {
        const auto id = incident_id(words);
        if (!id) {
            code = refuse(errors, "\"" + visible_text(words) +
                                      "\" is no incident: give its number (12) or its id.");
            return {};
        }
        auto story = ask_history(source, "/api/v1/incidents/" + *id);
        if (!story) {
            code = refuse(errors, story.error(),
                          story.error().find("There is no incident") != std::string::npos ? 1 : 2);
            return {};
        }
        stories.push_back(std::move(*story));
    }
    return stories;
}

// The same, behind them what is merged into them.
std::vector<json> with_parts(const HistorySource& source, const std::vector<std::string>& ids,
                             std::ostream& errors, int& code) {
    auto stories = stories_of(source, ids, errors, code);
    std::set<std::string> known;
    std::vector<std::string> parts;
    for (const json& story : stories) known.insert(story.at("id"));
    for (const json& story : stories)
        for (const json& part : story.at("merged"))
            if (known.insert(part.at("id")).second) parts.push_back(part.at("id"));
    if (parts.empty()) return stories;
    for (json& part : stories_of(source, parts, errors, code)) stories.push_back(std::move(part));
    return code == 0 ? stories : std::vector<json>{};
}

}  // namespace

int show_incidents(const HistoryOptions& options, std::ostream& out, std::ostream& errors) {
    const auto body = ask_history(options.source, "/api/v1/incidents", options.query);
    if (!body) return refuse(errors, body.error());
    const json& incidents = body->at("incidents");
    const int code = incidents.empty() ? 1 : 0;
    if (is_document(options.format)) return print(document_text(*body, options.format), out, code);
    if (incidents.empty()) errors << "No incident is like that.\n";
    std::string text =
        incidents.empty() ? "" : rendered(incidents_listing(incidents), options.format);
    if (body->at("next").is_string() && options.format == ListFormat::table)
        text += "\nMore: the same with --cursor " + body->at("next").get<std::string>() + "\n";
    return print(text, out, code);
}

int show_facets(const HistoryOptions& options, std::ostream& out, std::ostream& errors) {
    const auto body = ask_history(options.source, "/api/v1/incidents/facets", options.query);
    if (!body) return refuse(errors, body.error());
    const int code = body->at("incidents") == 0 ? 1 : 0;
    if (is_document(options.format)) return print(document_text(*body, options.format), out, code);
    Listing listing{{{"facet", "FACET"}, {"value", "VALUE"}, {"incidents", "INCIDENTS"}}, {}};
    for (const auto& [name, facet] : body->at("facets").items()) {
        for (const json& one : facet.at("values")) {
            const std::string value = shown(one, "value");
            listing.rows.push_back({{"facet", name},
                                    {"value", value.empty() ? "-" : value},
                                    {"incidents", one.at("incidents")}});
        }
        if (const auto beyond = facet.at("beyond").get<std::size_t>(); beyond > 0)
            listing.rows.push_back(
                {{"facet", name}, {"value", counted(beyond, "further value")}, {"incidents", ""}});
    }
    listing.rows.push_back({{"facet", "all"}, {"value", ""}, {"incidents", body->at("incidents")}});
    return print(rendered(listing, options.format), out, code);
}

int show_incident(const HistoryOptions& options, std::ostream& out, std::ostream& errors) {
    int code = 0;
    const auto stories = stories_of(options.source, options.ids, errors, code);
    if (stories.empty()) return code;
    const json& story = stories.front();
    if (is_document(options.format)) return print(document_text(story, options.format), out, 0);
    if (options.format == ListFormat::table)
        return print(incident_text(story, options.style), out, 0);
    const auto document =
        postmortem(stories,
                   "# {{number}} {{title}}\n{{facts}}\n{{summary}}\n## Causes\n{{causes}}\n"
                   "## Timeline\n{{timeline}}\n## Evidence\n{{evidence}}\n{{members}}\n"
                   "{{deliveries}}\n{{gaps}}\n{{earlier}}\n");
    if (!document) return refuse(errors, document.error());
    return print(to_markdown(*document), out, 0);
}

int show_history(const HistoryOptions& options, std::ostream& out, std::ostream& errors) {
    if (options.ids.empty()) {
        const auto body = ask_history(options.source, "/api/v1/stats", options.query);
        if (!body) return refuse(errors, body.error());
        if (is_document(options.format)) return print(document_text(*body, options.format), out, 0);
        std::string text = rendered(statistics_listing(*body), options.format);
        for (const auto& [name, why] :
             {std::pair{"snoozed", "snoozed by people"}, {"drills", "tagged drill"}})
            if (const auto left_out = body->at("all").value(name, std::uint64_t{0});
                left_out > 0 && options.format == ListFormat::table)
                text += "\n" + counted(left_out, "incident") + " more, " + why +
                        ", in none of these figures.\n";
        return print(text, out, 0);
    }
    const auto id = incident_id(options.ids.front());
    if (!id) return refuse(errors, "give the incident's number (12) or its id.");
    const auto body = ask_history(options.source, "/api/v1/incidents/" + *id + "/similar");
    if (!body)
        return refuse(errors, body.error(),
                      body.error().find("There is no incident") != std::string::npos ? 1 : 2);
    if (is_document(options.format)) return print(document_text(*body, options.format), out, 0);
    if (options.format == ListFormat::markdown)
        return print(rendered(incidents_listing(body->at("similar")), options.format), out, 0);
    return print(similar_text(*body, options.style), out, 0);
}

int write_postmortem(const PostmortemOptions& options, std::ostream& out, std::ostream& errors) {
    std::string text;
    if (const auto built_in = built_in_template(options.template_name)) {
        text = *built_in;
    } else if (auto file = read_file(options.template_name)) {
        text = std::move(*file);
    } else {
        return refuse(
            errors,
            "--template " + options.template_name +
                ": it is no template of ours (sre, pagerduty, gitlab), and no file that can be "
                "read: " +
                file.error());
    }
    if (options.print_template) return print(text, out, 0);
    if (options.ids.empty())
        return refuse(errors, "postmortem of which incident? Give its number (12) or its id.");
    int code = 0;
    const auto stories = with_parts(options.source, options.ids, errors, code);
    if (stories.empty()) return code;
    const auto document = postmortem(stories, text);
    if (!document)
        return refuse(errors, "the template " + options.template_name + ", " + document.error());
    if (options.form == "html") return print(to_html(*document), out, 0);
    if (options.form == "json") return print(json_text(to_json(*document)), out, 0);
    return print(to_markdown(*document), out, 0);
}

}  // namespace runnerwatch
