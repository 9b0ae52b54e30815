# Muster::Bench::Bulk: all objects as lines, and many objects from lines, beside COPY of the same rows.
package Muster::Bench::Bulk;
use v5.24;
use warnings;
use Muster::Bench::Lists;
use Muster::Process qw(run spew temp_dir);
use Time::HiRes qw(time);

sub _psql {
    my ($postgres, @more) = @_;
    my $start  = time;
    my $result = run(
        [ "$postgres->{bin}/psql", '-Xq', '-v', 'ON_ERROR_STOP=1', '-h', $postgres->socket_dir, '-U', 'postgres', '-d', 'large', @more ],
        timeout => 600,
    );
    die "psql: $result->{err}\n" if $result->{status} != 0;
    return { count => 1, rate => 1 / (time - $start), errors => 0 };
}

# The live rows of both tables, as they lie there.
sub _copy_out {
    my ($postgres) = @_;
    return _psql($postgres, '-o', '/dev/null', map { ('-c', "copy (select * from $_ where deleted_at_version is null) to stdout") } qw(entities entity_attrs));
}

sub _export {
    my ($target) = @_;
    my ($first_byte, $whole, $bytes) = Muster::Bench::Lists::fetch($target, '/export');
    return { count => 1, rate => 1 / $whole, errors => 0, first => 1000 * $first_byte, size => $bytes };
}

sub export {
    my ($run)  = @_;
    my $target = $run->world->muster('one');
    my %by     = $run->compare(
        'export',
        [ $run->runner('muster', $target, \&_export), $run->in_database('COPY', sub { _copy_out($run->world->postgres) }) ],
        slow => 1,
    );
    my $muster = $by{muster} // return;
    # Worker and database work at the same time, so this is a matter of rates.
    $run->judge('export', sprintf('an export of everything (%.0f MB), of COPY', $muster->{size} / 1e6), @by{qw(muster COPY)}, most => 1.67);
    return;
}

# --- import: each round makes objects of its own, with five attributes and two memberships

my $made = 0;

sub _names {
    my ($n) = @_;
    my $first = 1 + 10_000_000 * ++$made;
    return map { 'import' . ($first + $_) } 0 .. $n - 1;
}

sub _post_import {
    my ($target, $n) = @_;
    my $body = join '', map {
        qq({"driver":"basicserver","name":"$_","attrs":[{"key":"os","subkey":"name","value":"Debian 12"},{"key":"system","subkey":"serial","value":"SN$_"},)
            . qq({"key":"system","subkey":"memory","value":32},{"key":"system","subkey":"cpucount","value":8},{"key":"owner","value":"core"}],)
            . qq("in":[{"name":"imports1"},{"name":"imports2"}]}\n)
    } _names($n);
    my $start  = time;
    my $answer = $target->{client}->request(POST => '/import', body => $body, headers => { 'Content-Type' => 'application/x-ndjson' });
    die "POST /import: $answer->{status} $answer->{body}\n" if $answer->{status} != 200;
    return { count => $n, rate => $n / (time - $start), errors => 0 };
}

# The same rows by COPY, in one transaction with its version, into the tables with their indexes and triggers.
sub _copy_in {
    my ($postgres, $n, @pools) = @_;
    my @names = _names($n);
    my ($entity, $version) = split /\|/, $postgres->psql(
        "select setval('entities_entity_id_seq', nextval('entities_entity_id_seq') + $n), nextval('clustoversioning_version_seq')", database => 'large');
    $entity -= $n;
    my (@entities, @attributes);
    for my $name (@names) {
        push @entities, join "\t", $entity, $name, 'server', 'basicserver', $version;
        my $put = sub { push @attributes, join "\t", $entity, @_, $version };
        $put->(qw(os name \N string \N), 'Debian 12', '\N');
        $put->(qw(system serial \N string \N), "SN$name", '\N');
        $put->(qw(system memory \N int 32 \N \N));
        $put->(qw(system cpucount \N int 8 \N \N));
        $put->(qw(owner \N \N string \N core \N));
        push @attributes, join "\t", $_, qw(_contains \N), $entity, qw(relation \N \N), $entity, $version for @pools;
        $entity++;
    }
    my $script = spew(temp_dir() . '/copy.sql', join "\n", 'begin;',
        qq(insert into clustoversioning (version, "user", description) values ($version, 'bench', 'copy');),
        'copy entities (entity_id, name, type, driver, version) from stdin;', @entities, '\.',
        'copy entity_attrs (entity_id, key, subkey, number, datatype, int_value, string_value, relation_id, version) from stdin;', @attributes, '\.',
        "commit;\n");
    my $result = _psql($postgres, '-f', $script);
    unlink $script;
    return { count => $n, rate => $n * $result->{rate}, errors => 0 };
}

sub many {
    my ($run) = @_;
    return if defined $run->option('against');
    my $postgres = $run->world->postgres;
    my $target   = $run->world->muster('one');
    my $n        = $run->option('quick') ? 2_000 : 20_000;
    $n = $run->servers if $run->servers < $n;
    my $pools = $target->{client}->post('/entity/pool', form => [ map { (name => "imports$_") } 1 .. 2 ]);
    die "POST: $pools->{status} $pools->{body}\n" if $pools->{status} != 201;
    my @pools = $postgres->psql("select entity_id from entities where name in ('imports1', 'imports2')", database => 'large');
    my %by = $run->compare(
        'import',
        [
            $run->runner('muster', $target, sub { _post_import($_[0], $n) }),
            $run->in_database('COPY', sub { _copy_in($postgres, $n, @pools) }),
        ],
        slow => 1,
    );
    $run->judge('import', "an import of $n objects, of COPY into the same tables", @by{qw(muster COPY)}, most => 4);
    return;
}

1;
