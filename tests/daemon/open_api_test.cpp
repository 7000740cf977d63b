// The document that says what the API takes and gives says what it does.
#include "daemon/api/open_api.h"

#include "daemon/api/act_api.h"
#include "daemon/api/history_api.h"
#include "daemon/api/incident_json.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <set>

namespace runnerwatch {
namespace {

using json = nlohmann::json;
using testing::IsEmpty;

const json& document() {
    static const json parsed = json::parse(open_api_document);
    return parsed;
}

std::set<std::string> names_of(const json& object) {
    std::set<std::string> names;
    for (const auto& [name, value] : object.items()) names.insert(name);
    return names;
}

std::set<std::string> properties_of(const std::string& schema) {
    return names_of(document().at("components").at("schemas").at(schema).at("properties"));
}

TEST(OpenApi, DescribesEveryMemberOfAnIncidentAndNoOther) {
    const json incident = json::parse(incident_to_json(IncidentRow{}).dump());
    EXPECT_EQ(properties_of("Incident"), names_of(incident));
    const json required = document().at("components").at("schemas").at("Incident").at("required");
    EXPECT_EQ(required.size(), incident.size()) << "what is always there is required";
}

TEST(OpenApi, DescribesEveryMemberOfAStoryAndNoOther) {
    IncidentStory story;
    const json whole = json::parse(story_to_json(story, RulePack{}).dump());
    const json& schema = document().at("components").at("schemas").at("Story").at("allOf");
    std::set<std::string> described = properties_of("Incident");
    for (const auto& name : names_of(schema.at(1).at("properties"))) described.insert(name);
    EXPECT_EQ(described, names_of(whole));
}

TEST(OpenApi, ListsThePathsThereAre) {
    std::set<std::string> unknown;
    for (const auto& [path, item] : document().at("paths").items()) {
        std::string asked = path;
        if (const std::size_t id = asked.find("{id}"); id != asked.npos) asked.replace(id, 4, "1");
        if (item.contains("post")) {
            if (!is_act_path(asked)) unknown.insert(path);
        } else if (is_history_path(asked)) {
            const auto question = history_question(asked, {}, Timestamp{});
            if (!question) unknown.insert(path);
        } else if (path != "/api/v1/coverage" && path != "/api/v1/report" &&
                   path != "/api/v1/events" && path != "/openapi.json") {
            unknown.insert(path);
        }
    }
    EXPECT_THAT(unknown, IsEmpty());
}

TEST(OpenApi, ListsTheParametersOfTheListAndNoOther) {
    const json& list = document().at("paths").at("/api/v1/incidents").at("get").at("parameters");
    for (const json& parameter : list) {
        const std::string reference = parameter.at("$ref");
        const json& named = document().at(json::json_pointer(reference.substr(1)));
        const std::string name = named.at("name");
        const auto question = history_question("/api/v1/incidents", {{name, ""}}, Timestamp{});
        EXPECT_TRUE(question) << name;
    }
    EXPECT_EQ(list.size(), 18u) << "a filter was added or removed: say so in openapi.json";
}

TEST(OpenApi, SaysOfEachActWhatItTakes) {
    std::size_t acts = 0;
    for (const auto& [path, item] : document().at("paths").items()) {
        if (!item.contains("post") || path.find("{id}") == path.npos) continue;
        const json& body = item.at("post").at("requestBody").at("content").at("application/json");
        ++acts;
        for (const auto& name : names_of(body.at("schema").at("properties"))) {
            ServerRequest request;
            request.method = "POST";
            request.path = path;
            request.path.replace(path.find("{id}"), 4, "1");
            request.body = json{{name, nullptr}}.dump();
            const auto question = act_question(request, "api", Timestamp{});
            // A wrong value may be refused, an unknown member may not.
            if (question) continue;
            EXPECT_EQ(question.error().body.find("is nothing that"), std::string::npos)
                << path << " " << name;
        }
    }
    EXPECT_EQ(acts, 11u);
}

}  // namespace
}  // namespace runnerwatch
