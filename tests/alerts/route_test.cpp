#include "alerts/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

using testing::ElementsAre;
using testing::Pair;
using testing::UnorderedElementsAre;

IncidentRow refused_jobs() {
    IncidentRow incident;
    incident.rule = "job-request-forbidden";
    incident.severity = Severity::error;
    incident.response = Response::page;
    incident.cluster = "prod";
    incident.namespace_ = "gitlab-runner";
    incident.workload = "Deployment/gitlab-runner";
    incident.fields = R"({"host":"gitlab.example.com","runner":"glpat-FAK"})";
    return incident;
}

Route to(std::string receiver, std::map<std::string, std::vector<std::string>> match = {}) {
    Route route;
    route.receiver = std::move(receiver);
    route.match = std::move(match);
    return route;
}

std::vector<std::string> receivers(const Route& root, const IncidentRow& incident) {
    std::vector<std::string> names;
    for (const Route* route : routes_for(root, incident)) names.push_back(route->receiver);
    return names;
}

TEST(Route, SeesTheLabelsAnIncidentHas) {
    EXPECT_THAT(labels_of(refused_jobs()),
                UnorderedElementsAre(Pair("rule", "job-request-forbidden"),
                                     Pair("severity", "error"), Pair("response", "page"),
                                     Pair("cluster", "prod"), Pair("namespace", "gitlab-runner"),
                                     Pair("workload", "Deployment/gitlab-runner"),
                                     Pair("host", "gitlab.example.com")));
    IncidentRow of_a_file;
    of_a_file.rule = "system-id-not-saved";
    of_a_file.fields = "{}";
    EXPECT_THAT(labels_of(of_a_file),
                UnorderedElementsAre(Pair("rule", "system-id-not-saved"),
                                     Pair("severity", "warning"), Pair("response", "ticket")));
}

TEST(Route, TakesTheRootWhenNothingElseMatches) {
    Route root = to("everyone");
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("everyone"));
    root.routes.push_back(to("staging", {{"cluster", {"staging"}}}));
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("everyone"));
}

TEST(Route, MatchesEveryLabelWithOneOfItsValues) {
    const struct {
        std::map<std::string, std::vector<std::string>> match;
        bool taken;
    } cases[] = {
        {{}, true},
        {{{"severity", {"error"}}}, true},
        {{{"severity", {"critical", "error"}}}, true},
        {{{"severity", {"err"}}}, false},
        {{{"severity", {}}}, false},
        {{{"severity", {"error"}}, {"cluster", {"prod"}}}, true},
        {{{"severity", {"error"}}, {"cluster", {"staging"}}}, false},
        {{{"pod", {""}}}, false},
    };
    for (const auto& c : cases) {
        SCOPED_TRACE(testing::PrintToString(c.match));
        Route root = to("root");
        root.routes.push_back(to("child", c.match));
        EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre(c.taken ? "child" : "root"));
    }
}

TEST(Route, TakesTheFirstThatMatchesUnlessItSaysToGoOn) {
    Route root = to("root");
    root.routes = {to("a", {{"cluster", {"prod"}}}), to("b", {{"cluster", {"staging"}}}),
                   to("c", {{"cluster", {"prod"}}}), to("d")};
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("a"));
    root.routes[0].continue_after = true;
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("a", "c"));
    root.routes[2].continue_after = true;
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("a", "c", "d"));
}

TEST(Route, TakesTheDeepestThatMatches) {
    Route prod = to("prod", {{"cluster", {"prod"}}});
    prod.routes = {to("prod-critical", {{"severity", {"critical"}}}),
                   to("prod-pages", {{"response", {"page"}}})};
    Route root = to("root");
    root.routes = {prod};
    EXPECT_THAT(receivers(root, refused_jobs()), ElementsAre("prod-pages"));
    IncidentRow ticket = refused_jobs();
    ticket.response = Response::ticket;
    EXPECT_THAT(receivers(root, ticket), ElementsAre("prod"));
    ticket.cluster = "staging";
    EXPECT_THAT(receivers(root, ticket), ElementsAre("root"));
}

}  // namespace
}  // namespace runnerwatch
