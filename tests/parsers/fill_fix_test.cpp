#include "parsers/fill_fix.h"

#include <gtest/gtest.h>

namespace runnerwatch {
namespace {

Fix restart() {
    Fix fix;
    fix.title = "Restart what {{host}} refuses";
    fix.steps = {{"Think.", "", "", ""},
                 {"Restart it.",
                  "kubectl -n {{manager.namespace}} rollout restart {{manager.workload}}", "", ""},
                 {"Look.", "kubectl -n {{manager.namespace}} get pods", "", ""}};
    fix.verify = "{{host}} says yes.";
    return fix;
}

const Values values{{"host", "gitlab.example.com"}};

TEST(FillFix, NamesTheManagerThatFailed) {
    const Fix fix = fill_fix(restart(), values, {"ci", "StatefulSet/big-Runner"});
    EXPECT_EQ(fix.title, "Restart what gitlab.example.com refuses");
    EXPECT_EQ(fix.steps[1].says, "Restart it.");
    EXPECT_EQ(fix.steps[1].command, "kubectl -n ci rollout restart statefulset/big-Runner");
    EXPECT_EQ(fix.steps[2].command, "kubectl -n ci get pods");
    EXPECT_EQ(fix.verify, "gitlab.example.com says yes.");
}

TEST(FillFix, SaysOnceThatTheNamesAreExamplesWhereTheManagerIsNotKnown) {
    const Fix fix = fill_fix(restart(), values);
    EXPECT_EQ(fix.steps[0].says, "Think.");
    EXPECT_EQ(fix.steps[1].says,
              "Restart it. Namespace and Deployment are called gitlab-runner here: adapt both to "
              "yours.");
    EXPECT_EQ(fix.steps[1].command,
              "kubectl -n gitlab-runner rollout restart deployment/gitlab-runner");
    EXPECT_EQ(fix.steps[2].says, "Look.");
}

TEST(FillFix, FillsInTheNamespaceAloneWhereNoMoreIsKnown) {
    const Fix fix = fill_fix(restart(), values, {"ci", ""});
    EXPECT_EQ(fix.steps[1].says,
              "Restart it. The Deployment is called gitlab-runner here: adapt it to yours.");
    EXPECT_EQ(fix.steps[1].command, "kubectl -n ci rollout restart deployment/gitlab-runner");
}

TEST(FillFix, LetsNoLogTextNameTheManager) {
    const Fix fix = fill_fix(restart(), {{"manager.namespace", "evil"}}, {"ci", "Pod/a"});
    EXPECT_EQ(fix.steps[2].command, "kubectl -n ci get pods");
}

TEST(FillFix, SaysForWhichRunnersAStepHolds) {
    EXPECT_EQ(step_words("Write it.", ">=18.10"), "Runner >=18.10: Write it.");
    EXPECT_EQ(step_words("Write it.", ""), "Write it.");
}

}  // namespace
}  // namespace runnerwatch
