/* The templates of prompts/, put into the library by web/embed.c. */
#ifndef REASON_PROMPTS_H
#define REASON_PROMPTS_H

#include <stddef.h>

extern const unsigned char reason_prompt_zero_shot[], reason_prompt_few_shot[],
    reason_prompt_chain_of_thought[];
extern const size_t reason_prompt_zero_shot_length, reason_prompt_few_shot_length,
    reason_prompt_chain_of_thought_length;

#endif
