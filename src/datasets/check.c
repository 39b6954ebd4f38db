/* Checksums against those that publishers give. */
#include <nettle/sha2.h>
#include <string.h>

#include "data/data_private.h"
#include "datasets/datasets_private.h"

/* The feature files of MMSA (thuiar/MMSA, README). SIMS v2 has no published sum. */
static const struct {
    const char *sum, *file;
} published[] = {
    {"78e0f8b5ef8ff71558e7307848fc1fa929ecb078203f565ab22b9daab2e02524",
     "MOSI/Processed/unaligned_50.pkl"},
    {"d3994fd25681f9c7ad6e9c6596a6fe9b4beb85ff7d478ba978b124139002e5f9",
     "MOSI/Processed/aligned_50.pkl"},
    {"ad8b23d50557045e7d47959ce6c5b955d8d983f2979c7d9b7b9226f6dd6fec1f",
     "MOSEI/Processed/unaligned_50.pkl"},
    {"45eccfb748a87c80ecab9bfac29582e7b1466bf6605ff29d3b338a75120bf791",
     "MOSEI/Processed/aligned_50.pkl"},
    {"c9e20c13ec0454d98bb9c1e520e490c75146bfa2dfeeea78d84de047dbdd442f",
     "SIMS/Processed/unaligned_39.pkl"},
};

affect_status datasets_check(datasets_report *r, const char *path, bool expected) {
    data_mapping map;
    struct sha256_ctx sum;
    uint8_t digest[SHA256_DIGEST_SIZE];
    char text[2 * SHA256_DIGEST_SIZE + 1];
    if (!r->check) return AFFECT_OK;
    affect_status status = data_map(r->ctx, path, &map);
    if (status) return status;
    sha256_init(&sum);
    sha256_update(&sum, map.length, map.bytes);
    sha256_digest(&sum, sizeof digest, digest);
    data_unmap(&map);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(text + 2 * i, sizeof text - 2 * i, "%02x", digest[i]);
    datasets_field_text(r, "sha256", text);
    for (size_t i = 0; i < BASE_COUNT(published); i++)
        if (strcmp(published[i].sum, text) == 0) {
            char found[128];
            snprintf(found, sizeof found, "that of MMSA's %s", published[i].file);
            datasets_field_text(r, "checksum", found);
            return AFFECT_OK;
        }
    if (expected) {
        datasets_field_text(r, "checksum", "NOT that of any published file of this set");
        r->mismatches++;
    }
    return AFFECT_OK;
}
