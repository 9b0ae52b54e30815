# Muster::Ledger: writes that can be told apart, what was said of each, and whether the database agrees.
#
# Each write has a text of its own. It was either acknowledged (then it must be in the database, once),
# refused (then it must not be), or unknown: no whole response, or one that says
# "Clusto-Outcome: unknown" (then it is there once or not at all).
package Muster::Ledger;
use v5.24;
use warnings;
use Exporter 'import';
use JSON::PP ();
use Muster::Client qw(parallel);
use Muster::Process qw(poll slurp spew temp_dir);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(bad_answers check_ledger forget_ledger prepare_ledger tally verdict write_one);

# What the kinds of writes need. The client is the front server's.
sub prepare_ledger {
    my ($client) = @_;
    my @made = (
        $client->post('/entity/basicserver', form => [ map { (name => "ledger$_") } 0 .. 15 ]),
        $client->post('/entity/pool', form => { name => 'ledgerpool' }),
        $client->post('/resourcemanager/ipmanager', form => { name => 'ledgerips', baseip => '10.64.0.0', netmask => '16' }),
        map { $client->post("/preferences/list$_", headers => { 'X-User-Id' => 'ledger' }, json => { all => [] }) } 0 .. 15,
    );
    for (@made) { die "ledger: $_->{status} $_->{body}\n" unless $_->{status} =~ /^20/ }
    return;
}

my %kinds = (
    # In a transaction of their own, with a row in clustoversioning that carries the text.
    note => sub { my ($c, $text, $i) = @_; return $c->post("/attribute/ledger$i", form => { key => 'note', value => $text }, headers => { 'Clusto-Description' => $text }) },
    make => sub { my ($c, $text) = @_; return $c->post('/entity/basicappliance', form => { name => $text }, headers => { 'Clusto-Description' => $text }) },
    ip   => sub { my ($c, $text, $i) = @_; return $c->post('/resourcemanager/ipmanager/ledgerips', form => { object => "ledger$i" }, headers => { 'Clusto-Description' => $text }) },
    # Several requests in one transaction: all of it is there or nothing.
    batch => sub {
        my ($c, $text, $i) = @_;
        return $c->post('/transaction', headers => { 'Clusto-Description' => $text, 'Clusto-Mode' => 'compact' }, json => [
            { method => 'POST', path => '/entity/basicappliance', params => { name => $text } },
            { method => 'POST', path => '/attribute/${0}', body => [ { key => 'note', value => $text }, { key => 'of', value => "/basicserver/ledger$i", datatype => 'relation' } ] },
            { method => 'POST', path => '/resourcemanager/ipmanager/ledgerips', params => { object => '${0}' } },
            { method => 'POST', path => '/entity/pool/ledgerpool', params => { action => 'insert', device => '${0}' } },
            { method => 'GET', path => '/by-name/${0}' },
        ]);
    },
    # By one statement that commits itself.
    set => sub { my ($c, $text, $i) = @_; return $c->post("/preferences/set$i/$text", headers => { 'X-User-Id' => 'ledger' }, json => 1) },
    # Read, changed and written in one transaction; twice would show.
    append => sub {
        my ($c, $text, $i) = @_;
        return $c->patch("/preferences/list$i", headers => { 'X-User-Id' => 'ledger' }, type => 'application/json-patch+json',
            body => JSON::PP::encode_json([ { op => 'add', path => '/all/-', value => $text } ]));
    },
);

sub verdict {
    my ($answer) = @_;
    return 'unknown' if $answer->{status} == 0 || !$answer->{complete} || ($answer->{headers}{'clusto-outcome'} // '') eq 'unknown';
    return $answer->{status} < 300 ? 'acknowledged' : 'refused';
}

# One write of this kind; $i from 0 to 15 chooses what is written to. A list: verdict, kind, text,
# status, seconds.
sub write_one {
    my ($client, $kind, $text, $i) = @_;
    my $answer = $kinds{$kind}->($client, $text, $i);
    return @{ _entry(verdict($answer), $kind, $text, $answer) };
}

# Is what was acknowledged seen by whoever asks now? A complaint, or nothing.
my %read = (
    note => sub { my ($c, $text, $i) = @_; return $c->get("/attribute/ledger$i/note") },
    make => sub { my ($c, $text) = @_; return $c->get("/by-name/$text") },
    batch => sub { my ($c, $text) = @_; return $c->get("/by-name/$text") },
    ip   => sub { my ($c, $text, $i) = @_; return $c->get("/by-name/ledger$i") },
    set  => sub { my ($c, $text, $i) = @_; return $c->get("/preferences/set$i", headers => { 'X-User-Id' => 'ledger' }) },
    append => sub { my ($c, $text, $i) = @_; return $c->get("/preferences/list$i", headers => { 'X-User-Id' => 'ledger' }) },
);

sub read_back {
    my ($client, $kind, $text, $i) = @_;
    my $answer = $read{$kind}->($client, $text, $i);
    return ('read', $answer) if $kind eq 'ip' || $answer->{status} !~ /^(200|404)$/ || !$answer->{complete};
    return ('read', $answer) if $answer->{status} == 200 && $answer->{body} =~ /"\Q$text\E"/;
    return ('stale', $answer);
}

sub _entry {
    my ($verdict, $kind, $text, $answer) = @_;
    my @entry = ($verdict, $kind, $text, $answer->{status}, $answer->{seconds} // 0);
    push @entry, $answer->{error} // $answer->{body}
        if $verdict eq 'stale' || $answer->{status} == 500 || $answer->{status} =~ /^50[34]$/ && !defined $answer->{headers}{'retry-after'};
    return \@entry;
}

my $round = 0;

# $n clients that write, and read back some of what they wrote, until end() is called: in processes of their own,
# so that meanwhile whoever called this can stop and start things. Client $i uses $client->($i) to write and
# $client->($i + 1) to read. Options: kinds, name (makes the texts different), pause (seconds after a refusal),
# between (seconds between two).
sub begin {
    my ($class, $n, $client, %option) = @_;
    my $dir   = temp_dir();
    my $name  = ($option{name} // 'w') . ++$round;
    my @kinds = @{ $option{kinds} // [ sort keys %kinds ] };
    my $self  = bless { dir => $dir, stop => "$dir/stop", result => "$dir/result" }, $class;
    $self->{pid} = fork // die "fork: $!";
    return $self if $self->{pid};
    my @all = parallel($n, sub {
        my ($me) = @_;
        my ($writer, $reader, @entries) = ($client->($me), $client->($me + 1));
        # Responses grow with what is written, and need not be decoded.
        $_->{decode} = 0 for $writer, $reader;
        # Whoever started us may have died.
        for (my $k = 0; !-e $self->{stop} && -d $dir && getppid != 1; $k++) {
            my ($kind, $text, $i) = ($kinds[ ($me + $k) % @kinds ], "$name-$me-$k", ($me + 5 * $k) % 16);
            my $answer = $kinds{$kind}->($writer, $text, $i);
            push @entries, _entry(verdict($answer), $kind, $text, $answer);
            _count("$dir/$entries[-1][0]");
            if ($entries[-1][0] eq 'acknowledged') {
                my ($verdict, $seen) = $k % 2 ? read_back($reader, $kind, $text, $i) : ();
                push @entries, _entry($verdict, $kind, $text, $seen) if $verdict;
            }
            else { sleep($option{pause} // 0.02) }
            sleep $option{between} if $option{between};
        }
        return { entries => \@entries };
    }, timeout => 600);
    spew($self->{result}, JSON::PP::encode_json(\@all));
    POSIX::_exit(0);
}

# A byte for each.
sub _count {
    my ($path) = @_;
    open my $out, '>>', $path or return; # whoever started us has ended
    syswrite $out, '.';
    return;
}

# Waits until so many more have been acknowledged, or refused; false if that takes too long.
sub more {
    my ($self, $verdict, $n) = @_;
    my $enough = (-s "$self->{dir}/$verdict" // 0) + $n;
    return poll(30, sub { return (-s "$self->{dir}/$verdict" // 0) >= $enough });
}

# The entries; reads have the verdict "read", or "stale".
sub end {
    my ($self) = @_;
    spew($self->{stop}, '');
    waitpid $self->{pid}, 0;
    my $all  = JSON::PP::decode_json(slurp($self->{result}));
    my @died = grep { $_->{died} } @$all;
    die "a writer died: $died[0]{died}" if @died;
    return map { @{ $_->{entries} } } @$all;
}

# What no test wants: an answer that is older than its question, a 500, a 503 that says nothing.
sub bad_answers {
    my (@entries) = @_;
    my @bad = map { join ' ', map { $_ // '-' } @$_[ 0 .. 3 ], substr $_->[5], 0, 200 } grep { defined $_->[5] } @entries;
    return @bad > 10 ? (@bad[ 0 .. 9 ], '... ' . @bad) : @bad;
}

# What was said, in words: "acknowledged 201: 17".
sub tally {
    my (@entries) = @_;
    my %count;
    $count{"$_->[0] $_->[3]"}++ for @entries;
    return map { "$_: $count{$_}" } sort keys %count;
}

# Takes the texts out of the history, so that a long run stays short.
sub forget_ledger {
    my ($postgres) = @_;
    $postgres->psql('update clustoversioning set description = null where description is not null');
    return;
}

# Compares what was said with what there is; a list of what is wrong.
sub check_ledger {
    my ($postgres, @entries) = @_;
    my %have;
    my $count = sub { my ($kind, $sql) = @_; $have{$kind}{$_}++ for $postgres->psql($sql); return };
    $count->($_ => 'select description from clustoversioning') for qw(note make batch ip);
    $count->(set => "select jsonb_object_keys(document) from muster_preferences where user_id = 'ledger' and container like 'set%'");
    $count->(append => "select jsonb_array_elements_text(document->'all') from muster_preferences where user_id = 'ledger' and container like 'list%'");
    my (%note, %made, %held, %member, @wrong);
    $note{$_}++ for $postgres->psql("select string_value from entity_attrs where key = 'note' and deleted_at_version is null");
    $made{$_}++ for $postgres->psql("select name from entities where driver = 'basicappliance' and deleted_at_version is null");
    my $of = 'from entities e join entity_attrs a on %s = e.entity_id and a.deleted_at_version is null where e.deleted_at_version is null';
    $held{$_}++   for $postgres->psql('select e.name ' . sprintf($of, 'a.entity_id') . " and a.key = 'ip' and a.subkey is null");
    $member{$_}++ for $postgres->psql('select e.name ' . sprintf($of, 'a.relation_id') . " and a.key = '_contains'");
    for (@entries) {
        my ($verdict, $kind, $text, $status) = @$_;
        next if $verdict =~ /^(read|stale)$/;
        my $n = $have{$kind}{$text} // 0;
        push @wrong, "$kind $text: $verdict ($status), but there $n times"
            if $verdict eq 'acknowledged' && $n != 1 || $verdict eq 'refused' && $n != 0 || $n > 1;
        push @wrong, "note $text: a version without its row, or the other way round" if $kind eq 'note' && ($note{$text} // 0) != $n;
        push @wrong, "batch $text: a part of it is there" if $kind eq 'batch' && grep { ($_->{$text} // 0) != $n } \%note, \%made, \%held, \%member;
        push @wrong, "make $text: a version without its object, or the other way round" if $kind eq 'make' && ($made{$text} // 0) != $n;
    }
    my $odd = $postgres->psql("select count(*) from (select entity_id, number from entity_attrs where key = 'ip' and deleted_at_version is null
        group by 1, 2 having count(*) <> 4) as odd");
    push @wrong, "$odd allocations without all their rows, or two with one number" if $odd;
    my $twice = $postgres->psql("select count(*) from (select from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null
        group by int_value having count(*) > 1) as twice");
    push @wrong, "$twice addresses are held twice" if $twice;
    my $given = $postgres->psql("select count(*) from entity_attrs where key = 'ip' and subkey is null and deleted_at_version is null");
    my $said  = grep { $_->[1] eq 'ip' && $_->[0] !~ /^(read|stale)$/ && ($have{ip}{ $_->[2] } // 0) == 1 } @entries;
    push @wrong, "$given addresses are held, $said allocations are recorded" if $given < $said;
    return @wrong > 20 ? (@wrong[ 0 .. 19 ], '... ' . @wrong) : @wrong;
}

1;
