/*!
Secrets recognised by their own shape, in any context: the published prefixes of providers' keys and tokens (the lists
of GitHub secret scanning and of gitleaks name the same ones), signed tokens, private key blocks, passwords inside
URLs.
*/

use super::checks::{entropy, is_reference, looks_like_identifier};
use super::rule::{MaskingRule, SecretCandidate};

/// A block with more lines than this is not a private key.
const MAX_KEY_LINES: usize = 200;
/// The same limit in bytes: an RSA key of 16384 bits has 13 thousand.
const MAX_KEY_BYTES: usize = 16 << 10;

fn always(_: &SecretCandidate<'_>) -> bool {
    true
}

/// Excludes ordinary words with the same prefix (`sk-learn-…`).
fn random(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    value.bytes().any(|byte| byte.is_ascii_digit()) && entropy(value) > 3.0 && !looks_like_identifier(value)
}

fn url_password(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    !is_reference(value) && !value.eq_ignore_ascii_case("password") && !value.starts_with("//")
}

fn url_token(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    value.len() >= 16 && random(candidate)
}

/// After `vault login`, or with the form of Vault's tokens; other identifiers are common on such a line.
fn vault_token(candidate: &SecretCandidate<'_>) -> bool {
    let value = candidate.value();
    let is_login = candidate.before().trim_end_matches("token=").trim_end().ends_with("login");
    random(candidate)
        && (value.as_bytes().get(1) == Some(&b'.') || is_login)
        && value.bytes().any(|byte| byte.is_ascii_uppercase())
}

macro_rules! rules {
    ($($kind:literal [$($keyword:literal),*] $pattern:literal $check:expr;)*) => {
        &[$(MaskingRule { kind: $kind, keywords: &[$($keyword),*], pattern: $pattern, check: $check }),*]
    };
}

#[rustfmt::skip]
pub(crate) const RULES: &[MaskingRule] = rules! {
    "PRIVATE_KEY" ["age-secret-key-"] r"AGE-SECRET-KEY-1[0-9A-Z]{50,}" always;
    "PRIVATE_KEY" ["private-mac"] r"Private-MAC: ?([0-9a-f]{32,})" always;
    "JWT" ["eyj"] r"\beyJ[A-Za-z0-9_-]{6,}\.(?:eyJ)?[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*){0,3}" always;
    "AWS_KEY" ["akia", "asia", "abia", "acca"] r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b" always;
    "AWS_SECRET" ["aws", "secret"]
        r#"(?i)(?:aws.{0,20}|secret.?access.?)key["'\]]{0,2}\s{0,3}(?:=>|:=|=|:|,|\s)\s{0,3}["']?([A-Za-z0-9/+]{40})(?:[^A-Za-z0-9/+=]|$)"# always;
    "AWS_SECRET" ["x-amz-s", "x-amz-signature"] r"(?i)X-Amz-(?:Security-Token|Signature)=([A-Za-z0-9%/+=_-]{16,})" always;
    "GCP_KEY" ["aiza"] r"\bAIza[0-9A-Za-z_-]{35}" always;
    "GCP_TOKEN" ["ya29."] r"\bya29\.[0-9A-Za-z_-]{20,}" always;
    "GCP_TOKEN" ["gocspx-"] r"\bGOCSPX-[0-9A-Za-z_-]{20,}" always;
    "GCP_TOKEN" ["1//0"] r"\b1//0[0-9A-Za-z_-]{30,}" always;
    "AZURE_KEY" ["accountkey", "sharedaccesskey"] r"(?i)(?:AccountKey|SharedAccessKey)\s?=\s?([A-Za-z0-9+/]{30,}={0,2})" always;
    "AZURE_KEY" ["sig="] r"(?i)[?&;]sig=([A-Za-z0-9%+/]{30,}={0,2})" always;
    "AZURE_KEY" ["8q~"] r"[A-Za-z0-9_~.]{3}8Q~[A-Za-z0-9_~.-]{31,34}" always;
    "GITHUB_TOKEN" ["ghp_", "gho_", "ghu_", "ghs_", "ghr_"] r"\bgh[pousr]_[A-Za-z0-9]{30,}" always;
    "GITHUB_TOKEN" ["github_pat_"] r"\bgithub_pat_[A-Za-z0-9_]{40,}" always;
    "GITLAB_TOKEN" ["glpat-", "gldt-", "glrt-", "glcbt-", "glptt-", "glft-", "glsoat-", "glagent-", "gloas-", "glimt-"]
        r"\bgl(?:pat|dt|rt|cbt|ptt|ft|soat|agent|oas|imt)-[A-Za-z0-9_.-]{20,}" always;
    "SLACK_TOKEN" ["xox", "xapp-"] r"\bxox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}" always;
    "SLACK_WEBHOOK" ["hooks.slack"] r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)/([A-Za-z0-9+/_-]{20,})" always;
    "WEBHOOK" ["webhook.office", "outlook.office", "hooks.zapier", "api/webhooks/"] r"(?:(?:webhook|outlook)\.office(?:365)?\.com/webhook(?:b2)?/|hooks\.zapier\.com/hooks/catch/|discord(?:app)?\.com/api/webhooks/)([A-Za-z0-9@/_-]{14,})" always;
    "STRIPE_KEY" ["sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_", "sk_prod_", "rk_prod_"]
        r"\b(?:[sr]k_(?:live|test|prod)_|whsec_)[A-Za-z0-9+/=]{10,}" always;
    "ANTHROPIC_KEY" ["sk-ant-"] r"\bsk-ant-[A-Za-z0-9_-]{16,}" always;
    "OPENAI_KEY" ["sk-"] r"\bsk-(?:(?:proj|svcacct|admin|None|or-v1)-)?[A-Za-z0-9_-]{20,}" random;
    "HUGGINGFACE_TOKEN" ["hf_", "api_org_"] r"\b(?:hf_|api_org_)[A-Za-z0-9]{30,}" always;
    "NPM_TOKEN" ["npm_"] r"\bnpm_[A-Za-z0-9]{36}" always;
    "NPM_TOKEN" ["_authtoken", "_auth"] r"(?i)_auth(?:Token)?\s?=\s?([A-Za-z0-9+/=_-]{16,})" always;
    "PYPI_TOKEN" ["pypi-ageichlwas5vcmc", "pypi-agendgvzdc5wexbp", "pypi-age"] r"\bpypi-AgE[A-Za-z0-9_-]{30,}" always;
    "RUBYGEMS_KEY" ["rubygems_"] r"\brubygems_[a-f0-9]{48}" always;
    "CRATES_TOKEN" ["cio"] r"\bcio[A-Za-z0-9]{32}\b" random;
    "DOCKER_TOKEN" ["dckr_"] r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}" always;
    "SENDGRID_KEY" ["sg."] r"\bSG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{30,}" always;
    "TWILIO_KEY" ["sk0", "sk1", "sk2", "sk3", "sk4", "sk5", "sk6", "sk7", "sk8", "sk9", "ska", "skb", "skc", "skd", "ske", "skf"] r"\bSK[0-9a-f]{32}\b" always;
    "TWILIO_KEY" ["ac"] r#"\bAC[0-9a-f]{32}["',:\s]{1,6}([0-9a-f]{32})\b"# always;
    "MAILGUN_KEY" ["key-"] r"\bkey-[0-9a-f]{32}\b" always;
    "MAILCHIMP_KEY" ["-us"] r"\b[0-9a-f]{32}-us\d{1,2}\b" always;
    "TELEGRAM_TOKEN" [":aa"] r"(?:\b|bot)(\d{8,10}:AA[A-Za-z0-9_-]{32,34})" always;
    "DIGITALOCEAN_TOKEN" ["dop_v1_", "doo_v1_", "dor_v1_"] r"\bdo[opr]_v1_[a-f0-9]{64}" always;
    "DISCORD_TOKEN" ["login(", "discord", "bot ", "bot_token"] r"\b[MNO][A-Za-z0-9_-]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,40}\b" random;
    "DYNATRACE_TOKEN" ["dt0"] r"\bdt0[a-z][0-9]{2}\.[A-Z0-9]{24}\.[A-Z0-9]{64}" always;
    "SONAR_TOKEN" ["squ_", "sqp_", "sqa_"] r"\bsq[upa]_[0-9a-f]{40}" always;
    "AWS_SECRET" ["akia", "asia"] r#"\b(?:AKIA|ASIA)[A-Z0-9]{16}["'\s,:;/|]{1,10}([A-Za-z0-9/+]{40})\b"# always;
    "VAULT_TOKEN" ["hvs.", "hvb.", "hvr."] r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}" always;
    "TERRAFORM_TOKEN" [".atlasv1."] r"\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,}" always;
    "DATABRICKS_TOKEN" ["dapi"] r"\bdapi[a-f0-9]{32}(?:-\d)?\b" always;
    "GRAFANA_TOKEN" ["glsa_", "glc_"] r"\b(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})" always;
    "SENTRY_TOKEN" ["sntrys_", "sntryu_"] r"\bsntry[su]_[A-Za-z0-9+/=_-]{40,}" always;
    "SENTRY_DSN" ["ingest", "sentry"] r"https?://([0-9a-f]{32}(?::[0-9a-f]{32})?)@" always;
    "NEWRELIC_KEY" ["nrak-", "nrjs-", "nrii-", "nriq-", "nraa-", "nral"] r"\b[0-9a-f]{36}NRAL\b|\bNR(?:AK|JS|II|IQ|AA)-[A-Za-z0-9_-]{19,}" always;
    "SHOPIFY_TOKEN" ["shpat_", "shpss_", "shpca_", "shppa_", "shpua_"] r"\bshp(?:at|ss|ca|pa|ua)_[a-fA-F0-9]{32}" always;
    "SQUARE_TOKEN" ["sq0atp-", "sq0csp-", "eaaa"] r"\b(?:sq0(?:atp|csp)-[A-Za-z0-9_-]{22,}|EAAA[A-Za-z0-9_-]{60})" always;
    "ATLASSIAN_TOKEN" ["atatt3", "atctt3", "atbb"] r"\bAT[AC]TT3[A-Za-z0-9_=-]{40,}|\bATBB[A-Za-z0-9]{28}\b" random;
    "LINEAR_KEY" ["lin_api_", "lin_oauth_"] r"\blin_(?:api|oauth)_[A-Za-z0-9]{32,}" always;
    "NOTION_TOKEN" ["ntn_", "secret_"] r"\b(?:ntn_|secret_)[A-Za-z0-9]{40,50}\b" random;
    "POSTMAN_KEY" ["pmak-"] r"\bPMAK-[a-f0-9]{24}-[a-f0-9]{34}" always;
    "PLANETSCALE_TOKEN" ["pscale_"] r"\bpscale_(?:tkn|pw|oauth)_[A-Za-z0-9_=.-]{30,}" always;
    "SUPABASE_TOKEN" ["sbp_", "sb_secret_"] r"\bsbp_[a-f0-9]{40}|\bsb_secret_[A-Za-z0-9_-]{20,}" always;
    "DOPPLER_TOKEN" ["dp."] r"\bdp\.(?:pt|st|ct|sa|scim|audit)\.[A-Za-z0-9._-]{40,}" always;
    // Many providers: a short prefix, and a random value after it.
    "API_KEY" ["gsk_", "r8_", "pplx-", "xai-", "figd_", "figu_", "nvapi-", "tvly-", "jina_", "pcsk_", "lsv2_", "csk-", "tskey-", "phx_", "phs_", "nfp_", "rnd_", "vck_", "fo1_", "fm2_", "ops_ey", "akcp", "xkeysib-", "re_", "tfp_", "pat-na", "pat-eu", "cfdj8", "clojars_", "rdme_", "ddp_", "ddog_", "sgp_", "tsc_", "hcaik_", "hcalk_", "pnu_", "cf_api_", "sk-lf-", "gho-", "kpat_", "rpa_", "e2b_", "key_live_", "sm_live_", "fmu1-", "abskq", "bkua_", "sha256~"]
        r"\b(?:gsk_|r8_|pplx-|xai-|fig[du]_|nvapi-|tvly-|jina_|pcsk_|lsv2_|csk-|tskey-|ph[xs]_|nfp_|rnd_|vck_|fo1_|fm2_|ops_ey|AKCp|xkeysib-|re_[A-Za-z0-9]{6,12}_|tfp_|pat-(?:na|eu)\d-|CfDJ8|CLOJARS_|rdme_|ddp_|ddog_|sgp_|tsc_|hca[il]k_|pnu_|cf_api_|sk-lf-|gho-|kpat_|rpa_|e2b_|(?:key|sm)_live_|fmu1-|ABSKQ|bkua_|sha256~)[A-Za-z0-9_=.-]{20,}" random;
    "API_KEY" ["hrku-", "ezak", "eztk", "flwseck", "pul-", "rzp_live_", "rzp_test_", "shippo_live_", "shippo_test_", "fio-u-", "ico-", "aio_", "cfpat-", "dnkey-", "duffel_live_", "duffel_test_", "lip_", "mlsn.", "sm_pat_", "tgp_v1_", "napi_", "xau_", "tr_dev_", "tr_prod_", "signkey-", "access-production-", "access-sandbox-", "access-development-", "glffct-", "tk-us-", "apify_api_", "wpl_ap", "sk.eyj", "oy2", "sk_car_", "vercel_", "dckr_", "ctp_", "cog_", "bbdc-", "ghcs_", "gto_", "zpka_", "ppat-", "pk_prod_", "sk_org_", "live_sk_", "test_sk_", "shr_", "hcp_", "dev_sk_"]
        r"\b(?:HRKU-|EZ[AT]K|FLWSECK(?:_TEST)?-|pul-|rzp_(?:live|test)_|shippo_(?:live|test)_|fio-u-|ico-|aio_|CFPAT-|dnkey-|duffel_(?:live|test)_|lip_|mlsn\.|sm_pat_|tgp_v1_|napi_|xau_|tr_(?:dev|prod)_|signkey-|access-(?:production|sandbox|development)-|glffct-|tk-us-|apify_api_|WPL_AP\d\.|sk\.eyJ|oy2|sk_car_|vercel_|dckr_|CTP_|cog_|BBDC-|ghcs_|gto_|zpka_|ppat-|pk_prod_|sk_org_|live_sk_|test_sk_|shr_|hcp_|dev_sk_)[A-Za-z0-9_.-]{16,}" random;
    "API_KEY" ["access_token$production$", "access_token$sandbox$"] r"\baccess_token\$(?:production|sandbox)\$[0-9a-z]{10,}\$[0-9a-f]{20,}" always;
    "API_KEY" ["pat"] r"\bpat[A-Za-z0-9]{14}\.[a-f0-9]{64}\b" always;
    "TOKEN" ["k10"] r"\bK10[0-9a-f]{40,}::[a-z]{1,16}:[0-9A-Za-z.]{8,}" always;
    "PRIVATE_KEY" ["xprv", "yprv", "zprv", "tprv"] r"\b[xyzt]prv[1-9A-HJ-NP-Za-km-z]{80,}" always;
    "PRIVATE_KEY" ["private key", "private_key", "privatekey"] r"(?i)\bprivate[ _]?key\b[^\n]{0,24}?\b(?:0x)?([0-9a-f]{64})\b" always;
    "PRIVATE_KEY" ["private", "deployer", "accounts"] r#"(?i)\b(?:0x)?([0-9a-f]{64})\b[^\n]{0,60}?\bprivate[ _-]?key|\b(?:deployer|accounts)["']?\s?[:=]\s?\[?\s?["'](?:0x)?([0-9a-f]{64})\b"# always;
    "GRAFANA_TOKEN" ["eyjrijoi"] r"\beyJrIjoi[A-Za-z0-9_+/=-]{30,}" always;
    "MAILGUN_KEY" ["mailgun"] r"\b([0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})\b" always;
    // Hashes from `pg_authid`, and tokens of Vault before version 1.10.
    "PASSWORD_HASH" ["scram-sha-"] r"\bSCRAM-SHA-(?:1|256|512)\$\d{1,8}:[A-Za-z0-9+/=]{8,}\$[A-Za-z0-9+/=:]{20,}" always;
    "VAULT_TOKEN" ["vault"] r"(?:\bvault\slogin\s(?:-\S{1,40}\s){0,4}(?:token=)?|\b)((?:[sbr]\.)?[A-Za-z0-9]{24,64})\b" vault_token;
    "FIREBASE_KEY" [":apa91b"] r"\bAAAA[A-Za-z0-9_-]{7}:APA91b[A-Za-z0-9_-]{100,}" always;
    "PASSWORD_HASH" ["$2a$", "$2b$", "$2y$", "$argon2", "$6$", "$5$", "$1$", "$y$", "$apr1$", "$7$", "$scrypt$", "$pbkdf2", "$8$", "$9$", "{ssha", "{sha", "{md5}"]
        r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2(?:id|i|d)\$[A-Za-z0-9$=,+/]{40,}|\$(?:1|5|6|7|8|9|y|apr1|scrypt|pbkdf2[a-z0-9-]{0,10})\$[./A-Za-z0-9$=,+-]{20,}|\{(?:S?SHA(?:256|512)?|MD5)\}[A-Za-z0-9+/=]{16,}" always;
    "PASSWORD_HASH" ["pbkdf2_sha"] r"\bpbkdf2_sha(?:1|256|512)\$\d+\$[A-Za-z0-9./+]+\$[A-Za-z0-9+/=]{20,}" always;
    "URL_PASSWORD" ["://"] r#"\b[A-Za-z][A-Za-z0-9+.-]{1,20}://(?-u:[^\s/?#:@"'<>`]{0,256}):((?-u:[^\s/"'<>`]{1,256}))@[A-Za-z0-9\[_.$%{-]"# url_password;
    "URL_TOKEN" ["://"] r#"\bhttps?://((?-u:[^\s/?#:@"'<>`]{16,256}))@[A-Za-z0-9_.-]"# url_token;
};

/// Calls `mask` with the span of every PEM, OpenSSH or PGP private key block: up to its end line, or, if the text was
/// cut, as far as lines look like key material.
pub(crate) fn private_keys(text: &str, mask: &mut dyn FnMut(usize, usize)) {
    let mut from = 0;
    while let Some(at) = memchr::memmem::find(text.as_bytes().get(from..).unwrap_or_default(), b"-----BEGIN ")
    {
        let start = from + at;
        let rest = text.get(start..).unwrap_or_default();
        let label =
            rest.get("-----BEGIN ".len()..).and_then(|label| label.split("-----").next()).unwrap_or_default();
        from = start + "-----BEGIN ".len();
        if !(label.contains("PRIVATE KEY") || label.contains("Static key"))
            || label.len() > 40
            || label.contains('\n')
        {
            continue;
        }
        let head = "-----BEGIN ".len() + label.len() + "-----".len();
        // A key ends before the next begins, so that a text full of markers is searched once.
        let next = memchr::memmem::find(rest.as_bytes().get(head..).unwrap_or_default(), b"-----BEGIN ");
        let rest = next.map_or(rest, |next| rest.get(..head + next).unwrap_or(rest));
        let Some(end) = key_end(rest, head, label) else { continue };
        mask(start, start + end);
        from = start + end;
    }
}

/// Calls `mask` with lines from the middle of a key: a page, a match or a hunk of a key file has no marker. Lines of
/// keys and certificates are random and have one of two lengths (PEM 64, OpenSSH 70), which digests do not have.
pub(crate) fn key_lines(text: &str, mask: &mut dyn FnMut(usize, usize)) {
    const LENGTHS: [usize; 2] = [64, 70];
    let bytes = text.as_bytes();
    let mut public = public_blocks(text).into_iter().peekable();
    let material = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let mut at = 0;
    while at < bytes.len() {
        let length = bytes.get(at..).unwrap_or_default().iter().take_while(|byte| material(byte)).count();
        let (mut start, end) = (at, at + length);
        at = end + 1;
        // The sign of an added line in a diff.
        if bytes.get(start) == Some(&b'+') && LENGTHS.contains(&length.wrapping_sub(1)) {
            start += 1;
        }
        if !LENGTHS.contains(&(end - start)) || !stands_alone(bytes, start, end) {
            continue;
        }
        while public.next_if(|(_, until)| *until <= start).is_some() {}
        if public.peek().is_some_and(|(from, _)| *from <= start) {
            continue;
        }
        let value = text.get(start..end).unwrap_or_default();
        let has = |kind: fn(&u8) -> bool| value.as_bytes().iter().any(kind);
        if has(u8::is_ascii_uppercase)
            && has(u8::is_ascii_lowercase)
            && has(u8::is_ascii_digit)
            && entropy(value) > 3.9
            && !looks_like_identifier(value)
        {
            mask(start, end);
        }
    }
}

/// Public blocks: certificates, public keys and signatures, from marker to marker.
fn public_blocks(text: &str) -> Vec<(usize, usize)> {
    const BEGIN: &str = "-----BEGIN ";
    let mut blocks = Vec::new();
    let begins: Vec<usize> = memchr::memmem::find_iter(text.as_bytes(), BEGIN).collect();
    for (number, begin) in begins.iter().enumerate() {
        let until = begins.get(number + 1).copied().unwrap_or(text.len());
        let block = text.get(*begin..until).unwrap_or_default();
        let label = block.get(BEGIN.len()..).and_then(|rest| rest.split("-----").next()).unwrap_or_default();
        let is_public = ["PUBLIC KEY", "CERTIFICATE", "SIGNATURE", "PGP MESSAGE", "X509 CRL"]
            .iter()
            .any(|word| label.contains(word));
        if is_public && let Some(end) = memchr::memmem::find(block.as_bytes(), b"-----END ") {
            blocks.push((*begin, begin + end));
        }
    }
    blocks
}

/// The private part of a PuTTY key file: the number of lines that its heading states.
pub(crate) fn putty_keys(text: &str, mask: &mut dyn FnMut(usize, usize)) {
    const HEADING: &str = "Private-Lines: ";
    for at in memchr::memmem::find_iter(text.as_bytes(), HEADING) {
        let rest = text.get(at + HEADING.len()..).unwrap_or_default();
        let mut start = at + HEADING.len();
        let mut lines = rest.split_inclusive('\n');
        let Some(first) = lines.next() else { continue };
        start += first.len();
        let number: usize = first.trim().parse().unwrap_or_default();
        for line in lines.take(number.min(MAX_KEY_LINES)) {
            let value = line.trim_end();
            if value.is_empty() || value.contains([' ', ':']) || value.len() > 128 {
                break;
            }
            mask(start, start + value.len());
            start += line.len();
        }
    }
}

/// Only a line number, a diff's sign or a quote is beside it.
fn stands_alone(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = |back: usize| start.checked_sub(back).and_then(|at| bytes.get(at));
    let opens = match before(1) {
        None => true,
        Some(b':') => before(2).is_some_and(u8::is_ascii_digit),
        Some(b'-' | b'+') => before(2).is_none_or(|byte| *byte == b'\n'),
        Some(byte) => byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'|' | b'>'),
    };
    let closes = bytes
        .get(end)
        .is_none_or(|byte| byte.is_ascii_whitespace() || matches!(byte, b'"' | b'\'' | b'\\' | b',' | b'|'));
    opens && closes
}

fn key_end(rest: &str, head: usize, label: &str) -> Option<usize> {
    // Searched from every marker, so the range is bounded: a line may hold thousands of markers.
    let rest = rest.get(..rest.floor_char_boundary(MAX_KEY_BYTES)).unwrap_or(rest);
    let closing = format!("-----END {label}-----");
    let mut end = None;
    let mut offset = 0;
    for (index, line) in rest.split_inclusive('\n').take(MAX_KEY_LINES).enumerate() {
        if let Some(at) = line.find(&closing) {
            return Some(offset + at + closing.len());
        }
        let content = if index == 0 { line.get(head..).unwrap_or_default() } else { line };
        let material =
            content.trim().trim_start_matches(['+', '-', '>', '|', '#', '*', '"', '\'', ' ', '\t']);
        let header = material.split_once(": ").is_some_and(|(name, _)| {
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
        });
        let longest = material
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '+' || c == '/' || c == '='))
            .map(str::len)
            .max();
        let like_key = longest.unwrap_or_default() >= 24
            || index > 0
                && !material.is_empty()
                && material.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/=\\n\",'".contains(&byte));
        if index > 0 && !like_key && !header && !material.is_empty() {
            break;
        }
        if like_key {
            end = Some(offset + line.trim_end_matches(['\n', '\r']).len());
        }
        offset += line.len();
    }
    // A marker without key material is prose or code about keys.
    end
}
