/* Two persons, three episodes, an utterance, two events and their links: what the tests of reason/ reason about. */
#ifndef TESTS_REASON_TIMELINE_H
#define TESTS_REASON_TIMELINE_H

static const char TIMELINE[] =
    "{\"schema\":\"affect-timeline/2\",\"duration\":20.000,\"properties\":{},"
    "\"persons\":[{\"id\":1,\"name\":\"Ann\",\"merged_into\":null,\"score\":null}],\"warnings\":[],"
    "\"tracks\":[],\"tiers\":[{\"id\":\"episodes\",\"modality\":\"fused\",\"intervals\":["
    "{\"id\":\"e1\",\"t0\":0.000,\"t1\":10.000,\"label\":\"happiness\",\"score\":0.7,\"person\":1,"
    "\"parent\":null,\"attributes\":{\"valence\":0.5,\"arousal\":0.1}},{\"id\":\"e3\",\"t0\":3.000,"
    "\"t1\":13.000,\"label\":\"anger\",\"score\":0.7,\"person\":2,\"parent\":null,\"attributes\":"
    "null"
    "},{\"id\":\"e2\",\"t0\":10.000,\"t1\":20.000,\"label\":\"sadness\",\"score\":null,\"person\":"
    "1,"
    "\"parent\":null,\"attributes\":{\"valence\":-0.5,\"arousal\":-0.1}}]},{\"id\":\"utterances\","
    "\"modality\":\"words\",\"intervals\":[{\"id\":\"u1\",\"t0\":8.000,\"t1\":9.000,\"label\":\"no "
    "thanks\",\"score\":0.5,\"person\":2,\"parent\":null,\"attributes\":{\"valence\":-0.4}}]}],"
    "\"events\":[{\"id\":\"f1\",\"onset\":1.000,\"apex\":1.500,\"offset\":2.000,\"kind\":\"smile\","
    "\"modality\":\"face\",\"person\":1,\"model\":\"\",\"strength\":1,\"confidence\":1},{\"id\":"
    "\"v1\",\"onset\":2.000,\"apex\":2.500,\"offset\":3.000,\"kind\":\"pitch_fall\",\"modality\":"
    "\"voice\",\"person\":null,\"model\":\"\",\"strength\":1,\"confidence\":1}],\"links\":[{"
    "\"from\":\"f1\",\"to\":\"v1\",\"kind\":\"matches\",\"lag\":1.000,\"lag_sd\":0.1,\"score\":0.5,"
    "\"person\":1},"
    "{\"from\":\"f1\",\"to\":\"v1\",\"kind\":\"contradicts\",\"lag\":null,\"lag_sd\":null,"
    "\"score\":0.5,\"person\":1}]}";

#endif
