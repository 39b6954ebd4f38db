/* whisper.cpp's models: X(name, address, SHA-1 as its models/README.md prints it, 1.7); those without a sum there want one by
 * the user. The addresses are those of its download-ggml-model.sh. */
#define KNOWN_WHISPER_MODELS(X)                                                                    \
    X("tiny", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-tiny.bin",           \
      "bd577a113a864445d4c299885e0cb97d4ba92b5f")                                                  \
    X("tiny.en", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-tiny.en.bin",     \
      "c78c86eb1a8faa21b369bcd33207cc90d64ae9df")                                                  \
    X("base", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-base.bin",           \
      "465707469ff3a37a2b9b8d8f89f2f99de7299dac")                                                  \
    X("base.en", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-base.en.bin",     \
      "137c40403d78fd54d454da0f9bd998f78703390c")                                                  \
    X("small", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-small.bin",         \
      "55356645c2b361a969dfd0ef2c5a50d530afd8d5")                                                  \
    X("small.en", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-small.en.bin",   \
      "db8a495a91d927739e50b3fc1cc4c6b8f6c2d022")                                                  \
    X("small.en-tdrz",                                                                             \
      "https://huggingface.co/akashmjn/tinydiarize-whisper.cpp/resolve/main/"                      \
      "ggml-small.en-tdrz.bin",                                                                    \
      "b6c6e7e89af1a35c08e6de56b66ca6a02a2fdfa1")                                                  \
    X("medium", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-medium.bin",       \
      "fd9727b6e1217c2f614f9b698455c4ffd82463b4")                                                  \
    X("medium.en", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-medium.en.bin", \
      "8c30f0e44ce9560643ebd10bbe50cd20eafd3723")                                                  \
    X("large-v1", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v1.bin",   \
      "b1caaf735c4cc1429223d5a74f0f4d0b9b59a299")                                                  \
    X("large-v2", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v2.bin",   \
      "0f4c8e34f21cf1a914c59d8b3ce882345ad349d6")                                                  \
    X("large-v2-q5_0",                                                                             \
      "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v2-q5_0.bin",          \
      "00e39f2196344e901b3a2bd5814807a769bd1630")                                                  \
    X("large-v3", "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v3.bin",   \
      "ad82bf6a9043ceed055076d0fd39f5f186ff8062")                                                  \
    X("large-v3-q5_0",                                                                             \
      "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v3-q5_0.bin",          \
      "e6e2ed78495d403bef4b7cff42ef4aaadcfea8de")                                                  \
    X("large-v3-turbo",                                                                            \
      "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v3-turbo.bin",         \
      "4af2b29d7ec73d781377bfd1758ca957a807e941")                                                  \
    X("large-v3-turbo-q5_0",                                                                       \
      "https://huggingface.co/ggerganov/whisper.cpp/resolve/main/ggml-large-v3-turbo-q5_0.bin",    \
      "e050f7970618a659205450ad97eb95a18d69c9ee")
