#!/usr/bin/perl
# 63-preferences-httpie.t: the commands of the Cloud Preferences text, unchanged, with HTTPie, preferences at /.
use v5.24;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Test::More;
use Muster::Process qw(run slurp source_dir temp_dir which);
use Muster::World;

which('http')   or plan skip_all => 'HTTPie is missing (Debian: httpie)';
which('script') or plan skip_all => 'script is missing (Debian: bsdutils)';
# A bare chroot has no /dev/pts.
run([ which('script'), '-qec', 'true', '/dev/null' ])->{status} == 0 or plan skip_all => 'there are no pseudo-terminals (mount devpts)';

# Exactly as the sample has it, for the sample's sake.
my $sample = slurp(source_dir() . '/etc/preferences-only.conf');
my $home   = temp_dir();

for my $front ('nginx', 'lighttpd') {
    my $postgres = Muster::Postgres->new;
    my $server   = Muster::Server->new(postgres => $postgres, more => $sample);
    my $web      = Muster::Front->new(server => $server, kind => $front);
    my $port     = $web->port;

    # A command as one types it at a terminal: with something else as standard input HTTPie would take
    # that for a body and send a POST.
    my $type = sub {
        my ($command) = @_;
        $command =~ s/\blocalhost:8888\b/localhost:$port/;
        my $result = run(
            [ which('script'), '-qec', "{ $command; } >$home/out 2>$home/err", '/dev/null' ],
            env => { HOME => $home, HTTPIE_CONFIG_DIR => $home, http_proxy => undef, HTTP_PROXY => undef, all_proxy => undef, ALL_PROXY => undef },
        );
        my ($out, $err) = map { slurp("$home/$_") } qw(out err);
        diag("$command: $result->{status} $err") if $result->{status} != 0 || $err =~ /\S/;
        return $out;
    };
    my $prints = sub {
        my ($command, $text) = @_;
        is($type->($command), $text, "$front: $command");
    };
    my $list     = qq([\n    "defaults"\n]);
    my $config   = qq([\n    "monitoring",\n    "backup"\n]);
    my $document = qq({\n    "build_config": [\n        "monitoring",\n        "backup"\n    ],\n    "passwords": {\n        "root": "secretpassword"\n    }\n});

    $prints->('http POST http://localhost:8888/defaults X-User-Id:username', '');
    $prints->('http http://localhost:8888/defaults X-User-Id:username', '{}');
    $prints->(q(echo '{"build_config": ["monitoring", "backup"]}' | http http://localhost:8888/defaults X-User-Id:username), '');
    $prints->('http http://localhost:8888/defaults/build_config X-User-Id:username', $config);
    $prints->('http DELETE http://localhost:8888/defaults/build_config X-User-Id:username', '');
    $prints->(q(echo '["monitoring", "backup"]' | http http://localhost:8888/defaults/build_config X-User-Id:username), '');
    $prints->(q(echo '"secretpassword"' | http http://localhost:8888/defaults/passwords/root X-User-Id:username), '');
    $prints->('http http://localhost:8888 X-User-Id:username', $list);
    $prints->('http http://localhost:8888/defaults X-User-Id:username', $document);
    $prints->('http http://localhost:8888/defaults/build_config X-User-Id:username', $config);
    $prints->('http http://localhost:8888/defaults/passwords/root X-User-Id:username', '"secretpassword"');
    $prints->('http DELETE http://localhost:8888/defaults/build_options X-User-Id:username', '');
    $prints->('http DELETE http://localhost:8888/defaults/ssh_keys/root X-User-Id:username', '');
    $prints->('http http://localhost:8888/defaults X-User-Id:username', $document);
    $prints->('http DELETE http://localhost:8888/defaults X-User-Id:username', '');
    $prints->('http http://localhost:8888 X-User-Id:username', '[]');
    $prints->('http POST http://localhost:8888/defaults X-User-Id:username', '');
    $prints->('http DELETE http://localhost:8888 X-User-Id:username', '');
    $prints->('http http://localhost:8888 X-User-Id:username', '[]');

    # The statuses that the text names, and other ways to send a body.
    for (
        [ 204, 'POST http://localhost:8888/defaults X-User-Id:username' ],
        [ 200, 'http://localhost:8888/defaults X-User-Id:username' ],
        [ 401, 'http://localhost:8888/defaults' ],
        [ 404, 'http://localhost:8888/nothing X-User-Id:username' ],
        [ 400, q(POST http://localhost:8888/defaults X-User-Id:username --raw '{"a"') ],
        [ 204, q(POST http://localhost:8888/defaults X-User-Id:username --raw '{"a": 1}') ],
        [ 409, 'POST http://localhost:8888/defaults/a/b X-User-Id:username --raw 1' ],
        [ 204, 'POST http://localhost:8888/defaults X-User-Id:username name=value number:=3' ],
        [ 405, 'PUT http://localhost:8888/__doc__ X-User-Id:username' ],
    ) {
        my ($status, $command) = @$_;
        my ($got) = $type->("http --print=h $command") =~ m{^HTTP/1\.1 (\d+)};
        is($got, $status, "$front: $status for $command");
    }
    $prints->('http http://localhost:8888/defaults/number X-User-Id:username', '3');
    $prints->('http http://localhost:8888/__version__ X-User-Id:username', qq("Container '__version__' not found."));
    $web->stop;
    $server->stop;
}

done_testing();
