# 89-move-users.t: a shard is divided while its users write: contrib/move-users moves those of the new part, and no
# acknowledged write is lost, whatever is broken off, and whoever was told too late.
use v5.24;
use warnings;
use Muster::Client;
use Muster::Front;
use Muster::Postgres;
use Muster::Process qw(poll run slurp source_dir spew);
use Muster::Server;
use Test::More;

my $USERS     = 60;
my $WRITERS   = 3;
my $SLOW      = $ENV{MUSTER_SLOW} // 1;
my $postgres  = Muster::Postgres->new;
my @databases = qw(muster second third);
$postgres->psql("create database $_", database => 'postgres') for @databases[ 1, 2 ];
my ($before, $after) = ('50% *', '50% 25% *');

sub server { my ($i, $shard, @more) = @_; return Muster::Server->new(conninfo => $postgres->conninfo($databases[$i]), conf => { workers => 2, shard => $shard }, @more) }

my @servers = (server(0, "0/$before"), server(1, "1/$before"), server(2, "2/$after"));
# The same as the second, but nobody told it of the new part.
my $forgotten = server(1, "1/$before", schema => 0);
my $sample    = slurp(source_dir() . '/etc/nginx-shards.conf');
$sample =~ s{/run/muster/shard$_\.sock}{$servers[$_]{socket}} for 0, 1;
my $front = Muster::Front->new(server => $servers[0], edit => sub { return "$sample\n" . $_[0] =~ s/fastcgi_pass muster;/fastcgi_pass \$muster_shard;/gr });
my $late  = Muster::Front->new(server => $forgotten);

sub name  { return "user$_[0]\@example.org" }
sub as    { return (headers => { 'X-User-Id' => name(@_) }) }
sub users { my ($database) = @_; return map { /^user(\d+)@/ } $postgres->psql('select distinct user_id from muster_preferences', database => $database) }

sub move {
    my (@more) = @_;
    return run([ $^X, source_dir() . '/contrib/move-users', '--from', $postgres->conninfo('second'), '--to', $postgres->conninfo('third'), @more ], env => { PATH => "$postgres->{bin}:$ENV{PATH}" }, timeout => 60 * $SLOW);
}

sub tables { return $postgres->psql(q{select count(*) from pg_class where relname in ('muster_moved', 'muster_arriving')}, database => $_[0]) }

# --- how it is called

my $help = move('--help');
is($help->{status}, 0, '--help');
like($help->{out}, qr/^  --$_ /m, "  tells of --$_") for qw(from to shard batch dry-run finish quiet help);
for my $wrong ([], [ '--shard', '3/50% 25% *' ], [ '--shard', '0/50%' ], [ '--shard', '0/60% 50% *' ], [ '--shard', '0/101' ], [ '--shard', '1/2', '--batch', '0' ], [ '--what' ]) {
    is(move(@$wrong)->{status}, 2, "wrong arguments: @$wrong");
}
is(move('--from', $postgres->conninfo('nowhere'), '--shard', '1/2')->{status}, 3, 'a database that is not there');

# --- the move, while users write

my $client = $front->client;
my @wrong  = grep { $client->post('/preferences/box', as($_), json => { n => 0 })->{status} != 204 } 1 .. $USERS;
is_deeply(\@wrong, [], 'each user writes');
$client->post('/preferences/second%20box', as($_), json => { text => "back\\slash\ttab\n", n => $_ }) for 1 .. $USERS;
my %tag = map { $_ => $client->get('/preferences/second%20box', as($_))->{headers}{etag} } 1 .. $USERS;
my %next = map { $_ => $client->get('/preferences/?changes&since=now', as($_))->{headers}{'clusto-next'} } 1 .. $USERS;
my %at  = map { $_ => { map { $_ => 1 } users($_) } } @databases;
like(move('--shard', "2/$after", '--dry-run')->{out}, qr/^\d+ users would be moved$/, '--dry-run');
is(tables('second') + tables('third'), 0, '  changes nothing');

my $stop = $servers[0]->dir . '/stop';

# One more each time that the last was acknowledged; what each user has been told in the end.
sub write_on {
    my ($i) = @_;
    my $client = $front->client;
    my (%last, %refused);
    until (-e $stop) {
        for my $user (grep { $_ % $WRITERS == $i } 1 .. $USERS) {
            my $next   = ($last{$user} // 0) + 1;
            my $answer = $client->post('/preferences/box', as($user), json => { n => $next });
            $last{$user} = $next if $answer->{status} == 204;
            $refused{ $answer->{status} }++ if $answer->{status} != 204;
        }
    }
    return { last => \%last, refused => \%refused };
}

# What the operator does, in its order. Back comes what went wrong.
sub operate {
    my @wrong;
    my $check = sub { my ($what, $is) = @_; push @wrong, $what if !$is };
    $servers[1]{conf}{shard} = "1/$after";
    $servers[1]->write_conf;
    kill 'HUP', $servers[1]->pid; # it is not a child of this process
    my $client = $front->client;
    $check->('users of the new part are refused', poll(30 * $SLOW, sub { grep { $client->get('/preferences/', as($_))->{status} == 421 } 1 .. $USERS }));
    # The first attempt is killed, wherever it is.
    my $process = Muster::Process->start([ $^X, source_dir() . '/contrib/move-users', '--from', $postgres->conninfo('second'), '--to', $postgres->conninfo('third'), '--shard', "2/$after", '--batch', 1 ], env => { PATH => "$postgres->{bin}:$ENV{PATH}" }, out => '/dev/null');
    $check->('a user is moved', poll(30 * $SLOW, sub { users('third') }));
    $process->stop('KILL');
    # Then two at once.
    for my $moved (Muster::Client::parallel(2, sub { return move('--shard', "2/$after", '--batch', 4) })) {
        $check->("another attempt: $moved->{err}", $moved->{status} == 0);
        $check->("progress: $moved->{err}", scalar($moved->{err} =~ /^move-users: \d+ of \d+ users moved$/m));
    }
    my $conf = $front->dir . '/nginx.conf';
    my $text = slurp($conf);
    $check->('the parts are there', scalar($text =~ s/50% muster_shard_0;\s+\*\s+muster_shard_1;/50% muster_shard_0; 25% muster_shard_1; * muster_shard_2;/));
    spew($conf, $text =~ s/(?=upstream muster_shard_1)/upstream muster_shard_2 { server unix:$servers[2]{socket}; }\n/r);
    kill 'HUP', $front->{process}->pid;
    $check->('nobody is refused any more', poll(30 * $SLOW, sub { !grep { $client->get('/preferences/', as($_))->{status} != 200 } 1 .. $USERS }));
    spew($stop, '');
    return { wrong => \@wrong };
}

my ($operator, @writers) = Muster::Client::parallel($WRITERS + 1, sub { my ($i) = @_; return $i == 0 ? operate() : write_on($i - 1) });
is_deeply($operator, { wrong => [] }, 'the shard is divided');
my %last = map { %{ $_->{last} } } @writers;
is(keys %last, $USERS, 'all users have written');
@wrong = map { "user $_->[0]: $_->[1], wrote $last{$_->[0]}" } grep { $_->[1] != $last{ $_->[0] } } map { [ $_, $client->get('/preferences/box/n', as($_))->{json} // -1 ] } 1 .. $USERS;
is_deeply(\@wrong, [], 'each reads what was acknowledged last');
@wrong = grep { ($client->get('/preferences/second%20box/text', as($_))->{json} // '') ne "back\\slash\ttab\n" } 1 .. $USERS;
is_deeply(\@wrong, [], 'and what nobody wrote meanwhile');
my %refused;
for my $writer (@writers) {
    $refused{$_} += $writer->{refused}{$_} for keys %{ $writer->{refused} };
}
ok(!grep({ !/^(?:421|503)$/ } keys %refused), 'refused were writes by 421 and 503 only') or diag(explain(\%refused));
my %now = map { $_ => { map { $_ => 1 } users($_) } } @databases;
is_deeply($now{muster}, $at{muster}, 'nothing was moved from or to the other shard');
ok(keys %{ $now{third} } > 0, 'some users were moved');
is_deeply({ %{ $now{second} }, %{ $now{third} } }, $at{second}, 'those of the divided shard are in its two parts');
is(keys(%{ $now{second} }) + keys(%{ $now{third} }), keys %{ $at{second} }, '  each in one');

# --- a server that still has the former configuration

my ($moved) = sort keys %{ $now{third} };
my ($stays) = sort keys %{ $now{second} };
my $latecomer = $late->client;
is($latecomer->post('/preferences/box', as($moved), json => { n => -1 })->{status}, 503, 'it can not write for a user who was moved');
is($latecomer->post('/preferences/box/n', as($moved), json => -1)->{status}, 503, '  nor a value');
is($latecomer->delete('/preferences/box', as($moved))->{status}, 503, '  nor delete');
is($latecomer->delete('/preferences/', as($moved))->{status}, 503, '  nor delete all');
is($latecomer->post('/preferences/box/n', as($stays), json => $last{$stays})->{status}, 204, 'but for one who was not');
is($client->get('/preferences/box/n', as($moved))->{json}, $last{$moved}, 'the moved document is as it was');

# --- entity tags stay, and none comes twice

ok($next{$moved}, 'who follows the changes');
is($client->get("/preferences/?changes&since=$next{$moved}", as($moved))->{status}, 410, '  has to read all again');
is($client->get('/preferences/second%20box', as($moved))->{headers}{etag}, $tag{$moved}, 'an entity tag stays');
my $written = $client->post('/preferences/second%20box', headers => { 'X-User-Id' => name($moved), 'If-Match' => $tag{$moved} }, json => { n => 7 });
is($written->{status}, 204, '  and is good for a write');
my @twice = $postgres->psql('select revision from muster_preferences group by revision having count(*) > 1', database => 'third');
is_deeply(\@twice, [], '  and no other has it');

# --- again, and what is in both databases

is(move('--shard', "2/$after")->{status}, 0, 'it can be run again');
my $sql = q{insert into muster_preferences select '%s', 'box', '{"n": %d}', 1};
$postgres->psql("alter table muster_preferences disable trigger muster_refuse_moved; " . sprintf($sql, name($moved), -2) . '; alter table muster_preferences enable trigger muster_refuse_moved', database => 'second');
my $both = move('--shard', "2/$after", '--quiet');
is($both->{status}, 1, 'a user in both databases');
is($both->{err}, 'move-users: is in both databases: ' . name($moved) . "\n", '  is reported');
is($client->get('/preferences/box/n', as($moved))->{json}, $last{$moved}, '  and left alone');
# As if the copy had been made, but the original not been deleted.
$postgres->psql(sprintf("insert into muster_arriving values ('%s')", name($moved)), database => 'third');
is(move('--shard', "2/$after")->{status}, 0, 'a move that was broken off between both databases');
is($client->get('/preferences/box/n', as($moved))->{json}, -2, '  is made again from the original');
is($postgres->psql(sprintf("select count(*) from muster_preferences where user_id = '%s'", name($moved)), database => 'third'), 1, '  as a whole');

# --- the end

is($servers[1]->run_program(['--init-db'])->{status}, 0, '--init-db does not mind');
is(move('--finish')->{status}, 0, '--finish');
is(tables('second') + tables('third'), 0, '  leaves no table');
is($servers[$_]->run_program(['--check-db'])->{out}, "0 found\n", "database $_ is sound") for 1, 2;
is(move('--finish')->{status}, 0, '--finish again');

$_->stop for $front, $late, @servers, $forgotten, $postgres;
done_testing;
