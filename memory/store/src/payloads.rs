/*!
Payloads of events: in the row of their event, or, beyond a size, in parts beside it. Only these three functions know
where a large payload is stored, so that moving payloads elsewhere (to an object store) changes this file alone.
*/

use millwright_model::RunId;

use super::StoreError;
use super::codec::from_json;
use super::db::{Pool, WriteTransaction, query, query_scalar};

/// Larger payloads are stored beside their row.
pub(crate) const MAX_INLINE_BYTES: usize = 1 << 20;
const PART_BYTES: usize = 1 << 20;
/// A larger payload belongs in evidence, cited by hash. No ticket comes near this size.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 256 << 20;

/// The text in the row. JSON is never empty, so an empty text means that the payload is elsewhere.
pub(crate) fn in_row(payload: &str) -> &str {
    if payload.len() > MAX_INLINE_BYTES { "" } else { payload }
}

/// Stores a payload that does not fit in its row, in the transaction that wrote the row.
pub(crate) async fn keep(
    tx: &mut WriteTransaction,
    run: &RunId,
    seq: i64,
    payload: &str,
) -> Result<(), StoreError> {
    if !in_row(payload).is_empty() {
        return Ok(());
    }
    let (mut rest, mut part) = (payload, 0_i64);
    while !rest.is_empty() {
        let (body, behind) = rest.split_at(rest.floor_char_boundary(PART_BYTES));
        query(
            "INSERT INTO run_event_parts (run_id, seq, part, body) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        )
        .bind(run)
        .bind(seq)
        .bind(part)
        .bind(body)
        .execute(&mut *tx)
        .await?;
        (rest, part) = (behind, part + 1);
    }
    Ok(())
}

/// The payload of an event, wherever it is stored.
pub(crate) async fn whole(
    pool: &Pool,
    run: &RunId,
    seq: i64,
    in_row: &str,
) -> Result<serde_json::Value, StoreError> {
    if !in_row.is_empty() {
        return from_json("event", run, in_row);
    }
    let parts: Vec<String> =
        query_scalar("SELECT body FROM run_event_parts WHERE run_id = $1 AND seq = $2 ORDER BY part")
            .bind(run)
            .bind(seq)
            .fetch_all(pool)
            .await?;
    from_json("event", run, &parts.concat())
}
