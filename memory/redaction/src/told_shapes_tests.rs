//! Shapes of secrets that are recognised by the surrounding text, not by a name directly before them: sentences,
//! answers, rows, elements, notes; each with passwords of several forms, beside lines with the same words and no
//! secret.

use super::Redactor;

/// Passwords as people choose them, as a company hands them out, and as a generator makes them.
const PASSWORDS: [&str; 4] = ["lantern4417", "Brno_2019!", "KYeRl85YRX6VXEGm", "t.B7kq_WzNq4"];
const OTHER: &str = "Kestrel!Maple29";
const KEY: &str = "a8Kd02LmQz81xPqR7vTn4WsYc5BhJf3E";

fn assert_every_password_masked(shapes: &[&str]) {
    let mut left = Vec::new();
    for (shape, password) in
        shapes.iter().flat_map(|shape| PASSWORDS.iter().map(move |password| (shape, *password)))
    {
        let text = shape.replace("{p}", password).replace("{q}", OTHER).replace("{k}", KEY);
        assert_ne!(text, **shape, "no secret in it");
        let redactor = Redactor::default();
        let masked = redactor.redact(&text).text;
        if [password, OTHER, KEY].iter().any(|secret| masked.contains(secret)) {
            left.push(format!("{text:?}: {masked:?}"));
        }
        assert_eq!(redactor.redact(&masked).text, masked, "not a fixed point: {shape}");
        assert_eq!(masked.split('\n').count(), text.split('\n').count(), "{shape}");
    }
    assert!(left.is_empty(), "{}", left.join("\n"));
}

#[test]
#[rustfmt::skip]
fn told_in_a_sentence_of_any_language() {
    assert_every_password_masked(&[
        "My password was {p}, I changed it to {q} and still can't log in.",
        "I set my password as {p} yesterday",
        "the pw for the jenkins box is now {p} fyi",
        "J'ai changé le mot de passe en {p} hier soir",
        "le mdp wifi c'est {p}",
        "Mein Passwort {p} wird nicht akzeptiert",
        "Ich habe das Passwort auf {p} geändert",
        "Das neue Passwort für den Router heißt {p}.",
        "habe mein Kennwort in {p} geändert",
        "ho cambiato la password in {p} stamattina",
        "cambié la contraseña a {p} y no entra",
        "mudei a senha para {p}",
        "Ik heb het wachtwoord veranderd in {p}",
        "jag bytte lösenord till {p}",
        "Jeg har skiftet adgangskode til {p}",
        "Salasanani on {p} mutta en pääse sisään",
        "vaihdoin salasanan {p} eilen",
        "zmieniłem hasło na {p}",
        "změnil jsem heslo na {p}",
        "A jelszavam {p}, de nem enged be",
        "Şifrem {p} ama giremiyorum",
        "şifreyi {p} olarak değiştirdim",
        "Parolam {p} olarak ayarlandı",
        "Parola mea este {p}",
        "Мой пароль {p} не подходит",
        "Мій пароль {p} не працює",
        "把密码改成了{p}",
        "パスワードを{p}に変更しました",
        "비밀번호가 {p} 인데 로그인이 안 됩니다",
        "비밀번호를 {p}(으)로 변경했습니다",
        "كلمة السر: {p}",
        "הסיסמה שלי היא {p}",
        "mật khẩu của tôi là {p}",
        "รหัสผ่านคือ {p}",
        "ο κωδικός μου είναι {p}",
        "I forgot to mention: login is maria, password {p}.",
        "try {p} as the password",
        "login with {p} as password",
        "he said the password would be \"{p}\"",
        "Her password used to be {p}.",
        "Sorry, typo, the password is not {q} but {p}",
        "The combination of user backup and password {p} works",
        "u: bob p: {p}",
        "credentials: admin/{p}",
        "creds = admin:{p}",
        "Zugangsdaten NAS: admin / {p}",
        "- printer: admin / {p}",
        "- switch core1 - admin / {p}",
        "* router web: root / {p}",
        "vpn login: jdoe / {p}",
        "ssh root@10.0.0.4 (pw {p})",
        "staging (admin/{p})",
        "Accès: admin / {p}",
        "Доступ: admin / {p}",
        "accesso: admin / {p}",
        "account svc-backup with password {p} is locked",
        "We rotated the admin password ({p}) last night",
        "The master password {p} no longer opens the vault",
        "the secret is {p}",
        "Guest wifi: ACME-Guest / {p}",
        "Netzwerkschlüssel: {p}",
        "clé wifi : {p}",
        "Hej, mit kodeord er {p} og det virker ikke",
        "नमस्ते, मेरा पासवर्ड {p} है",
        "שלום, הסיסמה שלי {p} לא עובדת",
        "fyi I've set everyone's initial password to {p}",
        "username/password bob/{p}",
        "log in as bob with {p}",
    ]);
}

#[test]
#[rustfmt::skip]
fn asked_for_and_answered() {
    assert_every_password_masked(&[
        "bob  10:41\nwhat's the admin password?\namy  10:42\n{p}\nbob  10:43\nthx",
        "[09:12] Lisa: can you send me the pw for grafana?\n[09:13] Tom: {p}\n[09:13] Lisa: thanks",
        "<lisa> password for the nas?\n<tom> {p}",
        "Lisa: wie ist das Passwort für den Beamer?\nTom: {p}",
        "Anna: quel est le mot de passe du wifi ?\nMarc: {p}",
        "Lisa: whats the wifi pw\nTom: its {p}",
        "agent: please type your password\ncustomer: {p}",
        "Q: root password?\nA: {p}",
        "lisa 09:10 AM\ncan you dm me the password for prod\ntom 09:11 AM\nsure\n{p}",
        "> what is the passphrase of the key?\n{p}",
        "bob: pw?\namy: {p}",
        "Bob Smith  3:41 PM\npw for the staging db pls\nAmy Lee  3:42 PM\n{p}\nBob Smith  3:43 PM\nty",
        "10:01 - Bob: what's the wifi password?\n10:02 - Amy: it is {p}",
        "[12/05/24, 10:01:12] Bob: cual es la clave del wifi?\n[12/05/24, 10:02:00] Ana: {p}",
        "Bob: Passwort?\nAmy: moment\nAmy: {p}",
        "Support: Could you confirm your current password?\nUser: yes it's {p}",
    ]);
}

#[test]
#[rustfmt::skip]
fn in_rows_below_their_names() {
    assert_every_password_masked(&[
        "COPY public.users (id, login, password, created_at) FROM stdin;\n1\tbob\t{p}\t2024-01-01\n2\tamy\t{q}\t2024-01-01\n\\.",
        "COPY accounts (id, api_key) FROM stdin;\n7\t{k}\n\\.",
        "REPLACE INTO conf (k, smtp_password) VALUES (1, '{p}');",
        "-[ RECORD 1 ]-----\nid       | 1\npassword | {p}",
        "<tr><th>User</th><th>Password</th></tr>\n<tr><td>bob</td><td>{p}</td></tr>",
        "┌──────┬──────────┐\n│ user │ password │\n├──────┼──────────┤\n│ bob  │ {p} │\n└──────┴──────────┘",
        "║ user ║ password ║\n║ bob ║ {p} ║",
        "||user||password||\n|bob|{p}|",
    ]);
}

#[test]
#[rustfmt::skip]
fn in_calls_and_connection_strings() {
    assert_every_password_masked(&[
        "dsn: app:{p}@tcp(db1:3306)/shop?parseTime=true",
        "sql.Open(\"mysql\", \"app:{p}@tcp(127.0.0.1:3306)/shop\")",
        "sql.Open(\"mysql\", \"app:{p}@unix(/tmp/mysql.sock)/shop\")",
        "//bob:{p}@fs1/share",
        "sip:4102:{p}@pbx.acme.test",
        "cassandra: PlainTextAuthProvider('cassandra', '{p}')",
        "mysqli_connect(\"db\", \"app\", \"{p}\", \"shop\")",
        "mysql_connect('db','app','{p}')",
        "new mysqli(\"db\", \"app\", \"{p}\", \"shop\")",
        "pymysql.connect(\"db\", \"app\", \"{p}\", \"shop\")",
        "ftp.login('bob', '{p}')",
        "ftp_login($c, 'bob', '{p}')",
        "client.auth(\"{p}\")",
        "redis.auth('{p}')",
        "imap.login(\"bob@x.test\", \"{p}\")",
        "smtp.login(\"bob@x.test\", \"{p}\")",
        "Credentials.basic(\"bob\", \"{p}\")",
        "AuthenticateAsync(\"bob\", \"{p}\")",
    ]);
}

#[test]
#[rustfmt::skip]
fn between_tags() {
    assert_every_password_masked(&[
        "<key>smtp_password</key><string>{p}</string>",
        "<name>dfs.password</name><value>{p}</value>",
        "<property><name>javax.jdo.option.ConnectionPassword</name><value>{p}</value></property>",
        "<property>\n  <name>javax.jdo.option.ConnectionPassword</name>\n  <value>{p}</value>\n</property>",
        "<ns2:Passwort>{p}</ns2:Passwort>",
        "<Pwd>{p}</Pwd>",
        "<pass>{p}</pass>",
        "<motDePasse>{p}</motDePasse>",
        "<td>Kennwort</td>\n<td>{p}</td>",
        "<b>Password:</b> {p}<br>",
        "<p>Your password: <strong>{p}</strong></p>",
        "<li>Passwort: <code>{p}</code></li>",
        "<span class=\"key\">password</span>: <span class=\"val\">{p}</span>",
        "<span class=\"pl-s\">password</span><span class=\"pl-k\">=</span><span class=\"pl-s\">\"{p}\"</span>",
        "<span class=\"nt\">password</span><span class=\"p\">:</span> <span class=\"s\">{p}</span>",
        "<span class=\"k\">DB_PASSWORD</span>=<span class=\"s1\">'{p}'</span>",
    ]);
}

#[test]
#[rustfmt::skip]
fn in_files_and_commands() {
    assert_every_password_masked(&[
        "smbpasswd: password = {p}",
        "smtp_sasl_password_maps: [mail.x.test]:587 bob@x.test:{p}",
        "[smtp.acme.test]:587    relay:{p}",
        "relayhost creds: relay:{p}",
        "AuthPass={p}",
        "AuthUser=bob\nAuthPass={p}",
        "let password: &str = \"{p}\";",
        "SSHPASS='{p}' sshpass -e ssh bob@h",
        "community: {p}",
        "bob : EAP \"{p}\"",
        "bob : XAUTH \"{p}\"",
        "\"bob\" * \"{p}\" *",
        "bob\tpptpd\t{p}\t*",
        "stats auth admin:{p}",
        "userlist x\n  user bob insecure-password {p}",
        "DBPass {p};",
        "-storepass {p}",
        "kinit <<< '{p}'",
        "echo -e \"{p}\\n{p}\" | passwd bob",
        "runas: password {p}",
        "htpasswd -b -c f bob {p}",
        "vncpasswd -f <<< {p}",
        "nmcli dev wifi connect X password {p}",
        "nmcli con modify X wifi-sec.psk {p}",
        "wpa_passphrase MyNet {p}",
        "sftp: bob/{p}",
        "OPER bob {p}",
        "ConvertTo-SecureString -AsPlainText '{p}' -Force",
        "ConvertTo-SecureString '{p}' -AsPlainText -Force",
        "keytool -list --storepass {p}",
        "isql -U sa -P {p}",
        "dsconf -D cn=admin -w {p} ldap://h backend list",
        "consul kv put db/password {p}",
        "etcdctl put /db/password {p}",
        "aws ssm put-parameter --name /db/password --value {p} --type SecureString",
        "aws rds modify-db-instance --master-user-password {p}",
        "npm config set _password {p}",
        "git config credential.password {p}",
        "composer config http-basic.x bob {p}",
        "SELECT crypt('{p}', gen_salt('bf'));",
        "EXEC sp_password NULL, '{p}', 'sa'",
        "--userpass bob:{p}",
        "curl -ubob:{p} x",
        "knife bootstrap h -P {p}",
        "oc login -u bob -p {p}",
        "wbinfo -a bob%{p}",
        "rclone obscure {p}",
        "iwconfig wlan0 key s:{p}",
        "WIFI:S:Guest;T:WPA;P:{p};H:false;;",
        "dovecot: bob:{PLAIN}{p}:1000",
        "LOGIN bob {p}",
    ]);
}

#[test]
#[rustfmt::skip]
fn printed_by_debuggers_and_shells() {
    assert_every_password_masked(&[
        "(lldb) p password\n(std::string) $0 = \"{p}\"",
        "(gdb) p password\n$1 = 0x5555 \"{p}\"",
        "(gdb) print pw\n$2 = \"{p}\"",
        "(Pdb) p passwd\n'{p}'",
        ">>> password\n'{p}'",
        ">>> print(password)\n{p}",
        "> process.env.DB_PASSWORD\n'{p}'",
        "$ echo $DB_PASSWORD\n{p}",
        "$ printenv DB_PASSWORD\n{p}",
        "$ cat /run/secrets/db_password\n{p}",
        "$ cat password.txt\n{p}",
        "$ pass show db/prod\n{p}",
        "$ kubectl get secret x -o jsonpath='{.data.password}' | base64 -d\n{p}",
        "$ vault kv get -field=password secret/x\n{p}",
        "$ gcloud secrets versions access latest --secret=db\n{p}",
        "$ security find-generic-password -w -s x\n{p}",
        "$ aws ssm get-parameter --name /db/password --with-decryption --query Parameter.Value\n\"{p}\"",
        "mysql> select password from users where id=1;\n+----------+\n| password |\n+----------+\n| {p} |\n+----------+",
        "login(\"bob\", \"{p}\") failed",
        "CALL sp_login('bob', '{p}')",
    ]);
}

#[test]
#[rustfmt::skip]
fn set_out_in_other_ways() {
    assert_every_password_masked(&[
        "`password`: `{p}`",
        "password\n{p}\nusername\nbob",
        "Mot de passe\n{p}",
        "password:\n  - {p}",
        "password ==> {p}",
        "password ~ {p}",
        "password | {p}",
        "password / {p}",
        "password - {p}",
        "password ({p})",
        "password [{p}]",
        "password <{p}>",
        "password ?= {p}",
        "password.equals(\"{p}\")",
        "setPassword(\"{p}\")",
        ".setPassword('{p}')",
        "withPassword(\"{p}\")",
    ]);
}

#[test]
#[rustfmt::skip]
fn numbers_that_let_somebody_in() {
    for text in [
        "[10:01] Agent: please tell me the code you got by SMS\n[10:02] Kunde: 839201",
        "Agent: what is your PIN?\nCustomer: its 839201",
        "PIN für die Karte: 839201",
        "El PIN de la tarjeta es 839201",
        "il PIN della carta è 839201",
        "Het alarmcode is 839201",
        "pincode: 839201",
        "the safe combination is 839201",
        "Tresorcode: 839201",
        "Code d'accès : 839201",
        "пин-код 839201",
        "暗証番号は839201です",
        "voicemail PIN 839201",
        "OTP 839201 for txn of INR 500",
        "use code 839201 to sign in",
        "Use 839201 as your login code",
        "TAN 839201 für Überweisung",
        "enter 839201 to verify",
        "Agent: Please confirm the code sent to your phone\nCustomer: 839201",
        "Agent: can you give me your PIN please\nCust: sure, 839201",
        "<agent> What is the OTP?\n<cust> 839201",
        "Bank: Bitte nennen Sie die TAN\nKunde: 839201",
        "839201 is your Amazon OTP. Do not share it.",
        "Your Uber code is 839201. Never share this code.",
        "Use 839201 to verify your account",
        "Your code: 839201",
        "Dein Code lautet 839201",
        "Votre code : 839201",
        "Tu código es 839201",
        "Il tuo codice: 839201",
        "Je code is 839201",
        "Din kod är 839201",
        "Twój kod: 839201",
        "【验证码】839201，5分钟内有效",
        "認証コードは 839201 です",
        "인증번호 [839201] 를 입력하세요",
        "Your PIN is 839201",
        "PIN: 839201",
        "my pin number is 839201",
        "Debit card PIN changed to 839201",
        "die Geheimzahl lautet 839201",
        "mon code de carte bleue est 839201",
        "code secret : 839201",
        "kod do domofonu 839201",
        "código de la alarma: 839201",
        "codigo del portal: 839201",
    ] {
        let masked = Redactor::default().redact(text).text;
        assert!(!masked.contains("839201"), "{text}: {masked}");
    }
}

#[test]
#[rustfmt::skip]
fn the_same_sentences_without_a_secret_stay() {
    for text in [
        "password for server01 expired",
        "the password on web03 is wrong",
        "Passwort für laptop17 vergessen",
        "password reset requested by user_42",
        "contraseña en servidor01 caducada",
        "password policy v2.3 applied",
        "password hash uses sha512crypt here",
        "please reset the password for ticket CHG0041877",
        "das Passwort wurde am 2024-05-01T10:22:31Z geändert",
        "Password check ok, session 8f14e45fceea167a opened",
        "password authentication failed for Kunde4711 from 10.2.3.4",
        "wrong password, attempt 3of5",
        "password changed in commit 9e6e0c496",
        "le mot de passe expire dans 30jours",
        "heslo pro uzivatel01 vyprselo",
        "password must contain 8chars",
        "the password field is in LoginForm2.tsx",
        "password rotated by rotate-secrets-v2",
        "password reset mail goes out via smtp2.acme.test",
        "the pass on line4521 was skipped",
        "pass 2of3 done",
        "PIN 4-digit required",
        "the PIN pad is model VX820",
        "pin header 1x40",
        "error code: 839201",
        "status code 5003",
        "code review for 48213",
        "order pin-up 2024",
        "build pin 18.04.2",
        "door code reader offline",
        "OTP expired after 300 seconds",
        "TAN procedure changed in 2019",
        "what is the password policy?\nsee wiki page pw-policy-v2",
        "what was the password for again?\nno idea, ask tom",
        "Password\nUsername\nbob42",
        "Passwort\nvergessen?",
        "password\npassword_confirmation2",
        "$ echo $PATH\n/usr/bin",
        "$ cat password_policy.md\nmin-length-12",
        ">>> len(password)\n12",
        ">>> token_count\n48213",
        "$ kubectl get secret\nNAME TYPE DATA AGE",
        "SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / X25519",
        "keycloak 24.0.5 / jwt-lib 9.0.2",
        "CPU: intel / i7-9700K",
        "Model: Thinkpad / X1Carbon7",
        "locale: de / utf8",
        "login: 4 failed / 128 passed",
        "test user: bob / alice",
        "owner: root / wheel",
        "branch: main / release24",
        "- build: linux / amd64",
        "- image: nginx / alpine3",
        "user/group: www-data/www-data",
        "<td>Password</td><td>required</td>",
        "<label>Password</label><input id=\"pw2\">",
        "<property name=\"password.encoder\">bcrypt12</property>",
        "<property name=\"token.validity\">3600s</property>",
        "<name>dfs.password.file</name><value>/etc/pw2</value>",
        "COPY public.users (id, password_hint) FROM stdin;\n1\thint4you\n\\.",
        "assertEquals(\"Password2short\", message)",
        "t.Run(\"password_too_short2\", func",
        "password.equals(other.password2)",
        "setPassword(newPassword2)",
        ".password(props.getPassword2())",
        "secret: name-of-secret-v2",
        "get token from auth2 service",
        "key=cache:user:4711:v2",
        "AuthType=Basic2",
        "monkey: banana42",
        "compass: north360",
        "bypass=rule42",
        "trespass: no12x",
        "the secret is stored in vault2",
        "Token TOK-4711 unknown",
        "the key is user_id2",
        "psk mode 8",
        "see the password-reset2 flow",
        "Parole d'honneur, c'est Marc42 qui l'a dit",
        "parola chiave2 mancante",
        "hasło do serwera01 wygasło",
        "пароль для сервера srv01 истёк",
        "密码长度是8位",
        "wachtwoord vergeten op portaal2",
        "use code-server4 to edit",
        "use Python311 to log in as root",
        "try docker24 as the base",
        "password to db01 is unknown",
        "the password starts with a capital letter2",
    ] {
        assert_eq!(Redactor::default().redact(text).text, text);
    }
}

#[test]
#[rustfmt::skip]
fn beside_an_address_or_a_label() {
    assert_every_password_masked(&[
        "HTTP_BASIC=bob:{p}",
        "Portal: https://x.test (bob/{p})",
        "pre-shared-key: {p}",
        "secret_key = {p}",
        "curl x.test -b \"session={k}\"",
        "https://x.test/s/{k}",
        "webhook: https://x.test/hooks/{k}",
        "API key\n{k}",
        "Client secret value\n\n{k}",
    ]);
    for text in ["bob@corp.test:Kestrel!Maple29", "bob@corp.test / Kestrel!Maple29", "bob@corp.test;Kestrel!Maple29"] {
        assert!(!Redactor::default().redact(text).text.contains(OTHER), "{text}");
    }
    for text in ["Host key\nSHA256 of the old one", "API key\nNot set", "Access token\nrefresh-token-handler-v2", "basic: node:alpine3", "https://x.test/s/about-our-team-and-history"] {
        assert_eq!(Redactor::default().redact(text).text, text);
    }
}
