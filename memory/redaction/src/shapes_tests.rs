//! Shapes that secrets have every day: in prose of several languages, in arguments, calls, configurations and prompts, each with
//! a made-up secret, beside lines of the same words that hold none.

use super::Redactor;

/// With a sign, as people make them up.
const PASSWORD: &str = "Velvet#Otter3417";
/// Of letters and digits alone.
const WORD: &str = "harborMaple30";
/// Of a machine.
const KEY: &str = "a8Kd02LmQz81xPqR7vTn4WsYc5BhJf3E";
const UUID: &str = "c1cd58c4-256a-402c-a45d-9b4c5622bf08";

/// `{p}`, `{w}`, `{k}` and `{u}` stand for the four.
fn filled(shape: &str) -> String {
    shape.replace("{p}", PASSWORD).replace("{w}", WORD).replace("{k}", KEY).replace("{u}", UUID)
}

fn assert_masked(shapes: &[&str]) {
    let mut left = Vec::new();
    for shape in shapes {
        let text = filled(shape);
        assert_ne!(text, *shape, "no secret in it");
        let redactor = Redactor::default();
        let masked = redactor.redact(&text).text;
        if [PASSWORD, WORD, KEY, UUID].iter().any(|secret| masked.contains(secret)) {
            left.push(format!("{shape:?}: {masked:?}"));
        }
        assert_eq!(redactor.redact(&masked).text, masked, "not a fixed point: {shape}");
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
fn in_prose() {
    assert_masked(&[
        "the password's {w}, don't post it",
        "new password --> {p}",
        "his password, {p}, expired",
        "use {p} as the password",
        "changed the db password from {p} to {w}",
        "*Password:* {w}",
        "_password_: {w}",
        "Password ......... {w}",
        "• Password – {p}",
        "creds are bob / {p}",
        "log in with admin / {p}",
        "Zugangsdaten: bob / {p}",
        "admin:{p} works on staging",
        "WiFi key {w}",
        "WLAN-Schlüssel: {w}",
        "shared secret is {w}",
        "the token is {k}",
        "API-Schlüssel: {k}",
        "clé API : {k}",
        "utilisateur bob, mdp {p}",
        "Пароль от базы {p}",
        "パスワードは{p}です",
        "비밀번호는 {p} 입니다",
        "adgangskoden er {p}",
        "passordet er {p}",
        "kata sandi: {p}",
        "κωδικός: {p}",
        "HASŁO: {w}",
        "| Passwort | {w} |",
        "| `ADMIN_PASSWORD` | `Dun\\|{w}` |",
    ]);
    for code in [
        "Il tuo codice è 839201",
        "код подтверждения: 839201",
        "验证码：839201",
        "認証コード: 839201",
        "Zoom passcode 839201",
        "code 839201 expires in 10 minutes",
        "CÓDIGO DE VERIFICACIÓN 839201",
        "door code: 839201",
    ] {
        assert!(!Redactor::default().redact(code).text.contains("839201"), "{code}");
    }
    let totp = "your authenticator setup key is JBSW Y3DP EHPK 3PXP";
    assert!(!Redactor::default().redact(totp).text.contains("EHPK"));
}

#[test]
fn as_arguments() {
    assert_masked(&[
        "sqlplus system/{w}@db",
        "rman target sys/{w}@db",
        "expdp system/{w} full=y",
        "CONNECT bob/{w}@orcl",
        "db2 connect to x user bob using {w}",
        "rpcclient -U bob%{w} srv",
        "net  use Z: \\\\srv\\x {w}",
        "net user bob {w} /add",
        "unrar x -p{w} a.rar",
        "psexec -u corp\\bob -p {w} cmd",
        "etcdctl --user root:{w} get x",
        "az storage blob list --account-key {k}/{k}==",
        "aws ssm put-parameter --type SecureString --value {p}",
        "aws configure set aws_secret_access_key {k}a8Kd02Lm",
        "npm config set //r/:_authToken {u}",
        "ENV ADMIN_PASSWORD {w}",
        "setenv DB_PASSWORD {w}",
        "gh secret set DB_PASS --body {w}",
        "echo '{p}' | kinit bob",
        "sed -i s#__DB_PASSWORD__#{w}# x",
        "crypto isakmp key {w} address 10.0.0.1",
        "radius-server host 10.0.0.1 key {w}",
        "snmp-server user bob grp v3 auth sha {w} priv aes 128 {p}",
        "ip ospf message-digest-key 1 md5 {w}",
        "user default on >{w} ~* +@all",
        "a1 LOGIN bob {w}",
        "vault login {k}",
    ]);
}

#[test]
fn in_code_and_configurations() {
    assert_masked(&[
        "smtp.login('bob', '{p}')",
        "requests.get(url, auth=('bob', '{p}'))",
        "db.auth(\"admin\", \"{p}\")",
        "DriverManager.getConnection(url, \"sa\", \"{p}\")",
        "SET PASSWORD FOR 'bob'@'%' = PASSWORD('{p}');",
        "PRAGMA key = '{p}';",
        "ALTER USER system IDENTIFIED BY {w};",
        "EXEC sp_addlogin 'bob', '{p}'",
        "[{password,<<\"{w}\">>}]",
        "<Parameter name=\"password\">{w}</Parameter>",
        "<password type=\"x\">{w}</password>",
        "<AutoLogon><Password><Value>{w}</Value></Password></AutoLogon>",
        "<tr><td>PIN:</td><td>{w}</td></tr>",
        "\"Jwt\": {\"Key\": \"{k}\", \"Issuer\": \"x\"}",
        "{\"hdr\":\"{\\\"x-api-key\\\":[\\\"{k}\\\"]}\"}",
        "key = 'a8Kd02Lm' + 'x'; api_key = '{k}' + 'Qz81'",
        "    DefaultPassword    REG_SZ    {w}",
        "SecretID:         {u}",
        "vault write auth/approle/login role_id=x secret_id={u}",
        "_csrf={u}",
        "integration_key = \"9f86d081884c7d659a2feaa0c55ad015{k}\"",
        "db.corp.io:5439:app:svc:{w}",
        "{\"email\":\"x\",\"password\":\"{p}",
        "userPassword:: {k}",
        "CLIENT_SECRET={p}",
    ]);
}

#[test]
fn behind_prompts_and_links() {
    assert_masked(&[
        "Password for the elastic user (reset with `x`):\n  {w}",
        "<auth-user-pass>\nbob\n{w}\n</auth-user-pass>",
        "https://app.corp.io/invitations/{k}",
        "https://app.corp.io/activation/{k}",
        "https://app.corp.io/private/{k}",
        "https://events.corp.io/integration/{k}/enqueue",
        "bootstrap-token: {k}",
        "join key: {k}",
    ]);
}

#[test]
fn the_same_words_without_a_secret_stay() {
    for text in [
        "secret \"registry-creds-v2\" deleted",
        "\"nextToken\": \"a8Kd02LmQz81xPqR7vTn4WsY\"",
        "PublicKeyToken=b77a5c561934e089",
        "GET /orders?id=550e8400-e29b-41d4-a716-446655440000",
        "No matching key in JWKS for kid \"RARUTsWAuJf-v0YScS2jjN\"",
        "public key: AAAAC3NzaC1lZDI1NTE5AAAAI8lOSJ2UnUTSWDpEQSyUv0Axde37RnXO",
        "object key: uploads/2026/01/IMG_4821.JPG",
        "password (min8chars)",
        "auth('sanctum', 'api-v2')",
        "username bob123 logged in",
        "enable feature-x2 in settings",
        "image: corp/app:v2.3.1@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "docker run -u 1000:1000 -p 8080:80 app",
        "docker run -u node:node app",
        "connect to redis2 using tls13",
        "exp a/b1c2 not simplified",
        "parola chiave assente",
        "la clave foránea falla en pedidos_v2",
        "my password doesn't work since 2.3.1",
        "password reset for user_42 sent",
        "order code: AB-839201",
        "error code 839201 not documented",
        "create token bucket",
        "Ok(Self {\n    pre_ln,\n    ln1,\n    attention,\n    feed_forward,\n})",
        "12:54:30 app:543:main:thread1x",
        "/login/oauth2/authorization/callback-handler",
        "{\"password\": [\"is too short\"]}",
    ] {
        assert_eq!(Redactor::default().redact(text).text, text);
    }
}
