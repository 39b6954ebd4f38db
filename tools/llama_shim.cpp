// The other side of llama_shim.h. Not part of the program: tools/build-llama compiles it with llama.cpp's
// header and links both into libaffect-llama.so. llama.cpp ends the process where it is told nonsense; here
// what it calls last throws instead, so that a bad file ends the call and nothing else.
#include "reason/llama_shim.h"

#include <llama.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct model_free { void operator()(llama_model *m) const { llama_model_free(m); } };
struct context_free { void operator()(llama_context *c) const { llama_free(c); } };
struct adapter_free { void operator()(llama_adapter_lora *a) const { llama_adapter_lora_free(a); } };
struct sampler_free { void operator()(llama_sampler *s) const { llama_sampler_free(s); } };
struct projector_free { void operator()(mtmd_context *p) const { mtmd_free(p); } };
struct bitmap_free { void operator()(mtmd_bitmap *b) const { mtmd_bitmap_free(b); } };
struct chunks_free { void operator()(mtmd_input_chunks *c) const { mtmd_input_chunks_free(c); } };
using sampler = std::unique_ptr<llama_sampler, sampler_free>;

struct shim {
    std::unique_ptr<llama_model, model_free> model;
    std::unique_ptr<llama_adapter_lora, adapter_free> adapter; // goes before its model
    std::unique_ptr<llama_context, context_free> context;
    std::unique_ptr<mtmd_context, projector_free> projector; // or none
    std::string marker; // what stands for a picture or sound in a text: nobody can have written it
    const llama_vocab *vocab = nullptr;
    std::vector<llama_token> said; // in answer to a mixed prompt
    std::vector<llama_token> known; // what the context holds
    std::string text;
    int (*stop)(void *user) = nullptr;
    void *user = nullptr;
    int (*progress)(void *user, float share) = nullptr;
    void *progress_user = nullptr;
};

// One text for all models: loading is rare, and the first error says most.
thread_local std::string first_error;

void keep_error(ggml_log_level level, const char *text, void *) {
    if (level == GGML_LOG_LEVEL_ERROR && first_error.empty()) first_error = text;
}

// "FILE:LINE: WHAT", without the folders of the machine that built it.
void throw_instead(const char *message) {
    const char *colon = strchr(message, ':');
    for (const char *at = message; colon && at < colon; at++)
        if (*at == '/') message = at + 1;
    throw std::runtime_error(message);
}

void say(char why[AFFECT_LLAMA_WHY], const char *text) {
    if (!first_error.empty()) text = first_error.c_str();
    size_t n = 0;
    for (; *text && *text != '\n' && n + 1 < AFFECT_LLAMA_WHY; text++)
        why[n++] = (unsigned char)*text < ' ' || (unsigned char)*text >= 127 ? '?' : *text;
    why[n] = '\0';
}

void prepare() {
    first_error.clear();
    llama_log_set(keep_error, nullptr); // a library prints nothing
    mtmd_helper_log_set(keep_error, nullptr);
    ggml_set_abort_callback(throw_instead);
}

bool told(float share, void *user) {
    const shim *s = static_cast<shim *>(user);
    return !s->progress || s->progress(s->progress_user, share);
}

bool stopped(void *user) {
    const shim *s = static_cast<shim *>(user);
    return s->stop && s->stop(s->user);
}

void *open_model(int file, int context, int threads, int (*progress)(void *, float), void *user,
                 char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    auto s = std::make_unique<shim>();
    s->progress = progress;
    s->progress_user = user;
    llama_model_params m = llama_model_default_params();
    m.n_gpu_layers = 0;
    m.progress_callback = told;
    m.progress_callback_user_data = s.get();
    const int copy = dup(file);
    std::unique_ptr<FILE, int (*)(FILE *)> f(copy < 0 ? nullptr : fdopen(copy, "rb"), fclose);
    if (!f) throw std::runtime_error("the file cannot be read");
    rewind(f.get());
    s->model.reset(llama_model_load_from_file_ptr(f.get(), m));
    if (!s->model) throw std::runtime_error("it is no model that llama.cpp knows");
    s->vocab = llama_model_get_vocab(s->model.get());
    if (llama_vocab_n_tokens(s->vocab) < 1) throw std::runtime_error("it has no vocabulary");
    if (llama_model_has_encoder(s->model.get()) || !llama_model_has_decoder(s->model.get()))
        throw std::runtime_error("it does not write text");
    llama_context_params c = llama_context_default_params();
    const int trained = llama_model_n_ctx_train(s->model.get());
    c.n_ctx = (uint32_t)(trained > 0 ? std::min(trained, context) : context);
    c.n_batch = c.n_ubatch = std::min(c.n_ctx, 512U);
    c.n_threads = c.n_threads_batch = threads;
    c.no_perf = true;
    c.abort_callback = stopped;
    c.abort_callback_data = s.get();
    s->context.reset(llama_init_from_model(s->model.get(), c));
    if (!s->context) throw std::runtime_error("there is no room for its context");
    return s.release();
} catch (const std::exception &e) {
    say(why, e.what());
    return nullptr;
}

void close_model(void *model) try {
    delete static_cast<shim *>(model);
} catch (const std::exception &) {
}

int context_of(const void *model) { return (int)llama_n_ctx(static_cast<const shim *>(model)->context.get()); }

std::string text_of(const shim *s, const char *prompt) {
    std::string text = prompt;
    const char *pattern = llama_model_chat_template(s->model.get(), nullptr);
    if (pattern) {
        const llama_chat_message message = {"user", prompt};
        std::vector<char> out(2 * text.size() + 1024);
        const int n = llama_chat_apply_template(pattern, &message, 1, true, out.data(), (int)out.size());
        if (n > 0 && n <= (int)out.size()) text.assign(out.data(), (size_t)n);
    }
    return text;
}

std::vector<llama_token> tokens_of(const shim *s, const char *prompt) {
    const std::string text = text_of(s, prompt);
    std::vector<llama_token> tokens(text.size() + 16);
    const int n = llama_tokenize(s->vocab, text.data(), (int)text.size(), tokens.data(), (int)tokens.size(), true, true);
    if (n <= 0) throw std::runtime_error("the prompt cannot be put into tokens");
    tokens.resize((size_t)n);
    return tokens;
}

int count_tokens(void *model, const char *prompt) try {
    prepare();
    return (int)tokens_of(static_cast<shim *>(model), prompt).size();
} catch (const std::exception &) {
    return -1;
}

// They take the positions behind what is known: after a picture of some models that is not behind the last one's.
void read_tokens(shim *s, std::vector<llama_token> tokens) {
    const size_t batch = llama_n_batch(s->context.get());
    for (size_t at = 0; at < tokens.size(); at += batch) {
        const size_t n = std::min(batch, tokens.size() - at);
        std::vector<llama_pos> places(n);
        for (size_t i = 0; i < n; i++) places[i] = (llama_pos)(s->known.size() + i);
        if (stopped(s)) throw std::runtime_error("interrupted");
        llama_batch one = llama_batch_get_one(tokens.data() + at, (int)n);
        one.pos = places.data();
        if (llama_decode(s->context.get(), one)) throw std::runtime_error("llama.cpp could not go on");
        s->known.insert(s->known.end(), tokens.begin() + (long)at, tokens.begin() + (long)(at + n));
    }
}

// The grammar is slow over a whole vocabulary: it is asked about the choice first, and about everything
// only where it refuses that.
llama_token choose(shim *s, llama_sampler *grammar, llama_sampler *chain) {
    const int n = llama_vocab_n_tokens(s->vocab);
    const float *logits = llama_get_logits_ith(s->context.get(), -1);
    std::vector<llama_token_data> all((size_t)n);
    if (!logits || std::any_of(logits, logits + n, [](float x) { return x != x; }))
        throw std::runtime_error("its weights give no numbers");
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < n; i++) all[(size_t)i] = {i, logits[i], 0};
        llama_token_data_array list = {all.data(), all.size(), -1, false};
        if (pass) llama_sampler_apply(grammar, &list);
        llama_sampler_apply(chain, &list);
        if (list.selected < 0) throw std::runtime_error("llama.cpp chose nothing");
        const llama_token token = list.data[list.selected].id;
        llama_token_data one = {token, 1, 0};
        llama_token_data_array alone = {&one, 1, -1, false};
        llama_sampler_apply(grammar, &alone);
        if (one.logit > -1e30F) return token;
    }
    throw std::runtime_error("its vocabulary cannot spell the answer");
}

// A prompt in pieces: tokens, or a picture or sound as what its values are known by.
struct piece {
    std::vector<llama_token> tokens;
    const mtmd_input_chunk *medium; // or none
};

struct pieces {
    std::vector<std::unique_ptr<mtmd_bitmap, bitmap_free>> media;
    std::unique_ptr<mtmd_input_chunks, chunks_free> chunks;
    std::vector<piece> all;
    size_t positions = 0;
};

// What stands in `known` at each position of a picture: no token has a negative number.
llama_token name_of(const mtmd_input_chunk *medium) {
    uint32_t sum = 2166136261U; // FNV-1a of the bytes' SHA-256
    for (const char *id = mtmd_input_chunk_get_id(medium); id && *id; id++) sum = (sum ^ (unsigned char)*id) * 16777619U;
    return -1 - (llama_token)(sum >> 1);
}

void cut_prompt(shim *s, const affect_llama_request *request, pieces *out) {
    if (!request->media_count) {
        out->all.push_back({tokens_of(s, request->prompt), nullptr});
        out->positions = out->all[0].tokens.size();
        return;
    }
    if (!s->projector) throw std::runtime_error("it has no projector");
    if (request->media_count < 0 || request->media_count > AFFECT_LLAMA_MEDIA) throw std::runtime_error("there are too many pictures");
    std::vector<const mtmd_bitmap *> bitmaps;
    for (int i = 0; i < request->media_count; i++) {
        const affect_llama_medium *m = &request->media[i];
        out->media.emplace_back(
            mtmd_helper_bitmap_init_from_buf(s->projector.get(), m->bytes, m->length, false, mtmd_helper_init_opt_default()).bitmap);
        if (!out->media.back()) throw std::runtime_error("a picture or sound cannot be read");
        bitmaps.push_back(out->media.back().get());
    }
    std::string text;
    for (const char c : text_of(s, request->prompt)) c == AFFECT_LLAMA_PLACE ? text += s->marker : text += c;
    const mtmd_input_text input = {text.c_str(), text.size(), true, true};
    out->chunks.reset(mtmd_input_chunks_init());
    if (mtmd_tokenize(s->projector.get(), out->chunks.get(), &input, bitmaps.data(), bitmaps.size()))
        throw std::runtime_error("a picture or sound cannot be put into the prompt");
    for (size_t i = 0; i < mtmd_input_chunks_size(out->chunks.get()); i++) {
        const mtmd_input_chunk *c = mtmd_input_chunks_get(out->chunks.get(), i);
        size_t n = 0;
        const llama_token *tokens = mtmd_input_chunk_get_tokens_text(c, &n);
        if (mtmd_input_chunk_get_type(c) == MTMD_INPUT_CHUNK_TYPE_TEXT)
            out->all.push_back({{tokens, tokens + n}, nullptr});
        else
            out->all.push_back({std::vector<llama_token>((size_t)mtmd_input_chunk_get_n_pos(c), name_of(c)), c});
        out->positions += out->all.back().tokens.size();
    }
    if (out->all.empty() || out->all.back().medium) throw std::runtime_error("no text is behind the pictures");
}

// Positions at which a prompt begins as what is known: whole pictures, and never the last token, whose logits are wanted.
size_t same_begin(const shim *s, const pieces *prompt) {
    size_t at = 0;
    for (const piece &p : prompt->all) {
        size_t n = 0;
        while (n < p.tokens.size() && at + n < s->known.size() && at + n + 1 < prompt->positions && s->known[at + n] == p.tokens[n]) n++;
        if (n < p.tokens.size()) return p.medium ? at : at + n;
        at += n;
    }
    return at;
}

void read_pieces(shim *s, const pieces *prompt, size_t same) {
    size_t at = 0;
    for (const piece &p : prompt->all) {
        const size_t end = at + p.tokens.size(), from = std::max(at, same);
        if (from < end && !p.medium) read_tokens(s, {p.tokens.begin() + (long)(from - at), p.tokens.end()});
        if (from < end && p.medium) {
            llama_pos behind = 0;
            if (stopped(s)) throw std::runtime_error("interrupted");
            if (mtmd_helper_eval_chunk_single(s->projector.get(), s->context.get(), p.medium, (llama_pos)at, 0,
                                              (int32_t)llama_n_batch(s->context.get()), false, &behind))
                throw std::runtime_error("a picture or sound cannot be read by the model");
            s->known.insert(s->known.end(), p.tokens.begin(), p.tokens.end());
        }
        at = end;
    }
}

int project_model(void *model, int file, int threads, int *pictures, int *sound, char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    shim *s = static_cast<shim *>(model);
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, 0) != (ssize_t)sizeof number) throw std::runtime_error("there is no random number");
    s->marker = "<__media_" + std::to_string(number) + "__>";
    mtmd_context_params p = mtmd_context_params_default();
    p.use_gpu = false;
    p.print_timings = false;
    p.n_threads = threads;
    p.warmup = false;
    p.media_marker = s->marker.c_str();
    const std::string name = "/proc/self/fd/" + std::to_string(file);
    s->projector.reset(mtmd_init_from_file(name.c_str(), s->model.get(), p));
    if (!s->projector) throw std::runtime_error("it is no projector of this model");
    *pictures = mtmd_support_vision(s->projector.get());
    *sound = mtmd_support_audio(s->projector.get());
    return 0;
} catch (const std::exception &e) {
    say(why, e.what());
    return -1;
}

int answer_prompt(void *model, const affect_llama_request *request, affect_llama_reply *reply,
                  char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    shim *s = static_cast<shim *>(model);
    *reply = {};
    s->text.clear();
    s->stop = request->stop;
    s->user = request->user;
    pieces prompt;
    cut_prompt(s, request, &prompt);
    const size_t room = llama_n_ctx(s->context.get());
    if (prompt.positions + 1 >= room) throw std::runtime_error("the prompt is longer than the model's context");
    size_t same = same_begin(s, &prompt);
    llama_memory_t memory = llama_get_memory(s->context.get());
    if (!llama_memory_seq_rm(memory, 0, (llama_pos)same, -1)) { // some models cannot forget a part
        llama_memory_clear(memory, true);
        same = 0;
    }
    s->known.resize(same);
    read_pieces(s, &prompt, same);
    sampler grammar(llama_sampler_init_grammar(s->vocab, request->grammar, "root"));
    if (!grammar || !*request->grammar) throw std::runtime_error("llama.cpp does not take the grammar");
    sampler chain(llama_sampler_chain_init(llama_sampler_chain_default_params()));
    if (request->temperature > 0) {
        llama_sampler_chain_add(chain.get(), llama_sampler_init_temp(request->temperature));
        llama_sampler_chain_add(chain.get(), llama_sampler_init_dist(request->seed));
    } else {
        llama_sampler_chain_add(chain.get(), llama_sampler_init_greedy());
    }
    reply->prompt_tokens = (int)prompt.positions;
    reply->reused_tokens = (int)same;
    while (reply->answer_tokens < request->most_tokens && s->known.size() + 1 < room) {
        const llama_token token = choose(s, grammar.get(), chain.get());
        if (llama_vocab_is_eog(s->vocab, token)) {
            reply->complete = 1;
            break;
        }
        llama_sampler_accept(grammar.get(), token);
        char piece[1024];
        const int n = llama_token_to_piece(s->vocab, token, piece, sizeof piece, 0, false);
        if (n < 0) throw std::runtime_error("a word of its vocabulary is too long");
        s->text.append(piece, (size_t)n);
        reply->answer_tokens++;
        read_tokens(s, {token});
    }
    reply->text = s->text.c_str();
    reply->length = s->text.size();
    return 0;
} catch (const std::exception &e) {
    if (model) { // what the context holds is not known any more
        shim *s = static_cast<shim *>(model);
        s->known.clear();
        llama_memory_clear(llama_get_memory(s->context.get()), true);
    }
    say(why, e.what());
    return -1;
}

int adapt_model(void *model, const char *adapter, char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    shim *s = static_cast<shim *>(model);
    std::unique_ptr<llama_adapter_lora, adapter_free> lora(llama_adapter_lora_init(s->model.get(), adapter));
    if (!lora) throw std::runtime_error("the adapter is none of this model's");
    llama_adapter_lora *one = lora.get();
    float scale = 1;
    if (llama_set_adapters_lora(s->context.get(), &one, 1, &scale))
        throw std::runtime_error("the adapter cannot be used");
    s->adapter = std::move(lora);
    s->known.clear(); // what was read was read without it
    llama_memory_clear(llama_get_memory(s->context.get()), true);
    return 0;
} catch (const std::exception &e) {
    say(why, e.what());
    return -1;
}

int width_of(const void *model) { return llama_model_n_embd(static_cast<const shim *>(model)->model.get()); }

struct batch_of {
    llama_batch batch;
    batch_of(int n, int width) : batch(llama_batch_init(n, width, 1)) {}
    ~batch_of() { llama_batch_free(batch); }
    batch_of(const batch_of &) = delete;
    batch_of &operator=(const batch_of &) = delete;
};

// Embeddings take the positions behind what the context holds.
void read_embeddings(shim *s, const float *rows, int count, int *at) {
    const int width = width_of(s), most = (int)llama_n_batch(s->context.get());
    for (int i = 0; i < count;) {
        const int n = std::min(most, count - i);
        batch_of b(n, width);
        b.batch.n_tokens = n;
        memcpy(b.batch.embd, rows + (size_t)i * (size_t)width, (size_t)n * (size_t)width * sizeof *rows);
        for (int k = 0; k < n; k++) {
            b.batch.pos[k] = *at + k;
            b.batch.n_seq_id[k] = 1;
            b.batch.seq_id[k][0] = 0;
            b.batch.logits[k] = k + 1 == n;
        }
        if (stopped(s)) throw std::runtime_error("interrupted");
        if (llama_decode(s->context.get(), b.batch)) throw std::runtime_error("llama.cpp could not go on");
        *at += n;
        i += n;
    }
}

llama_token likeliest(const shim *s) {
    const int n = llama_vocab_n_tokens(s->vocab);
    const float *logits = llama_get_logits_ith(s->context.get(), -1);
    if (!logits || std::any_of(logits, logits + n, [](float x) { return x != x; }))
        throw std::runtime_error("its weights give no numbers");
    return (llama_token)(std::max_element(logits, logits + n) - logits);
}

int answer_mixed(void *model, const affect_llama_mixed *request, affect_llama_reply *reply,
                 char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    shim *s = static_cast<shim *>(model);
    const int room = (int)llama_n_ctx(s->context.get());
    const int vocabulary = llama_vocab_n_tokens(s->vocab);
    int at = 0;
    *reply = {};
    s->text.clear();
    s->said.clear();
    s->stop = request->stop;
    s->user = request->user;
    llama_memory_clear(llama_get_memory(s->context.get()), true);
    s->known.clear();
    for (int i = 0; i < request->part_count; i++) {
        const affect_llama_part *part = &request->parts[i];
        if (part->count < 0 || part->count > room - at - 1)
            throw std::runtime_error("the prompt is longer than the model's context");
        if (!part->tokens) {
            read_embeddings(s, part->embeddings, part->count, &at);
            s->known.resize((size_t)at, -1); // positions that no token has
            continue;
        }
        for (int k = 0; k < part->count; k++)
            if (part->tokens[k] < 0 || part->tokens[k] >= vocabulary) throw std::runtime_error("a token is none of its vocabulary");
        read_tokens(s, {part->tokens, part->tokens + part->count});
        at += part->count;
    }
    if (!at) throw std::runtime_error("the prompt is empty");
    reply->prompt_tokens = at;
    for (; reply->answer_tokens < request->most_tokens && at + 1 < room; at++) {
        const llama_token token = likeliest(s);
        if (llama_vocab_is_eog(s->vocab, token)) {
            reply->complete = 1;
            break;
        }
        char piece[1024];
        const int n = llama_token_to_piece(s->vocab, token, piece, sizeof piece, 0, false);
        if (n < 0) throw std::runtime_error("a word of its vocabulary is too long");
        s->text.append(piece, (size_t)n);
        s->said.push_back(token);
        reply->answer_tokens++;
        read_tokens(s, {token});
    }
    s->known.clear(); // embeddings are no tokens that another prompt could share
    llama_memory_clear(llama_get_memory(s->context.get()), true);
    reply->text = s->text.c_str();
    reply->length = s->text.size();
    reply->tokens = s->said.data();
    return 0;
} catch (const std::exception &e) {
    shim *s = static_cast<shim *>(model);
    s->known.clear();
    llama_memory_clear(llama_get_memory(s->context.get()), true);
    say(why, e.what());
    return -1;
}

int sequence_logits(int file, const char *adapter, const int32_t *tokens, int n, float *out, size_t room,
                    char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    llama_model_params m = llama_model_default_params();
    m.n_gpu_layers = 0;
    const int copy = dup(file);
    std::unique_ptr<FILE, int (*)(FILE *)> f(copy < 0 ? nullptr : fdopen(copy, "rb"), fclose);
    if (!f) throw std::runtime_error("the file cannot be read");
    rewind(f.get());
    std::unique_ptr<llama_model, model_free> model(llama_model_load_from_file_ptr(f.get(), m));
    if (!model) throw std::runtime_error("it is no model that llama.cpp knows");
    const size_t vocabulary = (size_t)llama_vocab_n_tokens(llama_model_get_vocab(model.get()));
    if (n < 1 || room < vocabulary * (size_t)n) throw std::runtime_error("there is no room for the logits");
    std::unique_ptr<llama_adapter_lora, adapter_free> lora(adapter ? llama_adapter_lora_init(model.get(), adapter)
                                                                   : nullptr);
    if (adapter && !lora) throw std::runtime_error("the adapter cannot be loaded");
    llama_context_params c = llama_context_default_params();
    c.n_ctx = c.n_batch = c.n_ubatch = (uint32_t)n;
    c.n_threads = c.n_threads_batch = 1;
    c.no_perf = true;
    c.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    c.type_k = c.type_v = GGML_TYPE_F32;
    std::unique_ptr<llama_context, context_free> context(llama_init_from_model(model.get(), c));
    if (!context) throw std::runtime_error("there is no room for its context");
    llama_adapter_lora *one = lora.get();
    float scale = 1;
    if (one && llama_set_adapters_lora(context.get(), &one, 1, &scale))
        throw std::runtime_error("the adapter cannot be used");
    llama_batch batch = llama_batch_init(n, 0, 1);
    batch.n_tokens = n;
    for (int i = 0; i < n; i++) {
        batch.token[i] = tokens[i];
        batch.pos[i] = i;
        batch.n_seq_id[i] = 1;
        batch.seq_id[i][0] = 0;
        batch.logits[i] = 1;
    }
    const int failed = llama_decode(context.get(), batch);
    llama_batch_free(batch);
    if (failed) throw std::runtime_error("llama.cpp could not go on");
    memcpy(out, llama_get_logits(context.get()), vocabulary * (size_t)n * sizeof *out);
    return 0;
} catch (const std::exception &e) {
    say(why, e.what());
    return -1;
}

void *open_vocabulary(int file, char why[AFFECT_LLAMA_WHY]) try {
    prepare();
    auto s = std::make_unique<shim>();
    llama_model_params m = llama_model_default_params();
    m.vocab_only = true;
    const int copy = dup(file);
    std::unique_ptr<FILE, int (*)(FILE *)> f(copy < 0 ? nullptr : fdopen(copy, "rb"), fclose);
    if (!f) throw std::runtime_error("the file cannot be read");
    rewind(f.get());
    s->model.reset(llama_model_load_from_file_ptr(f.get(), m));
    if (!s->model) throw std::runtime_error("it is no model that llama.cpp knows");
    s->vocab = llama_model_get_vocab(s->model.get());
    return s.release();
} catch (const std::exception &e) {
    say(why, e.what());
    return nullptr;
}

int text_tokens(void *model, const char *text, int begin, int32_t *out, int room) try {
    prepare();
    const shim *s = static_cast<const shim *>(model);
    const int n = llama_tokenize(s->vocab, text, (int)strlen(text), out, room, begin != 0, true);
    return n < 0 && n != INT32_MIN ? -n : n;
} catch (const std::exception &) {
    return -1;
}

} // namespace

extern "C" __attribute__((visibility("default"))) const affect_llama_api *affect_llama(void) {
    static const affect_llama_api api = {AFFECT_LLAMA_INTERFACE, AFFECT_LLAMA_VERSION, open_model, close_model,
                                         context_of, count_tokens, answer_prompt, sequence_logits, open_vocabulary,
                                         text_tokens, adapt_model, width_of, answer_mixed, project_model};
    return &api;
}
