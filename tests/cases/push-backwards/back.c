/* cc back.c $(pkg-config --cflags --libs affect) -lm -o back && ./back
 * 3 s of a tone in pushes of 100 ms; the eleventh push repeats the tenth's time, as a sound card's clock may. */
#include <affect/affect.h>
#include <math.h>
#include <stdio.h>

int main(void) {
    affect_context *context = NULL;
    affect_session *session = NULL;
    affect_timeline *timeline = NULL;
    static float x[1600];
    if (affect_context_create(&context) || affect_session_create(context, NULL, &session)) return 1;
    for (int k = 0; k < 30; k++) {
        for (int i = 0; i < 1600; i++) x[i] = .2F * sinf(6.2831853F * 200 * (float)i / 16000);
        int at = k < 10 ? k : k - 1;
        printf("push %d: %d\n", k,
               (int)affect_session_push_audio(session, at * 100000000LL, 16000, x, 1600));
    }
    if (affect_session_finish(session, &timeline)) return 1;
    const affect_track *t = affect_timeline_find_track(timeline, "voice/prosody");
    printf("rows of voice/prosody: %zu\n", t ? affect_track_rows(t) : 0);
    for (size_t i = 0; i < affect_timeline_warning_count(timeline); i++)
        puts(affect_timeline_warning(timeline, i)->label);
    affect_timeline_destroy(timeline);
    affect_session_destroy(session);
    affect_context_destroy(context);
    return 0;
}
