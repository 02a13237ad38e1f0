using System.Net;
using Mesh.Proxy.V1;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Discovery;

/// <summary>
/// What the address that an application connects to means. What is known is answered at once; what is not is asked, by one question for all
/// who wait for it, and refused where nobody answers in time. Old answers stay good while nobody does.
/// </summary>
/// <remarks>
/// An answer that is in use is asked for anew before it ends, so that nobody waits for it. What was unknown and what was known are remembered
/// apart: an application that connects to all the world drives no service out.
/// </remarks>
internal sealed partial class DestinationResolver(
    ServiceDirectory services, IAddressSource source, TimeProvider clock, ILogger<DestinationResolver> logger)
{
    /// <summary>The longest that a connection waits for an answer.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Addresses of the mesh that are remembered at the most, and as many that are not.</summary>
    public const int MaxAnswers = 4_096;

    /// <summary>Questions at once; further addresses are not resolved.</summary>
    public const int MaxQuestions = 256;

    private const double RefreshAfter = 0.8;

    // How long an old answer holds on after nobody has given a new one, so that each connection does not wait in turn; and, at the most, one
    // that no push will change.
    private static readonly TimeSpan HoldOn = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(1);

    private readonly AnswerTable _known = new(MaxAnswers);
    private readonly AnswerTable _unknown = new(MaxAnswers);
    private readonly Dictionary<IPEndPoint, Task<Destination>> _questions = [];
    private readonly Lock _gate = new();

    /// <summary>Says what a connection to an address means. Answers at once, without allocating, what is known.</summary>
    /// <param name="original">What the application connects to.</param>
    /// <param name="cancellationToken">Stops waiting, not the question: others may wait for it.</param>
    /// <exception cref="OperationCanceledException">The wait was stopped.</exception>
    public ValueTask<Destination> ResolveAsync(IPEndPoint original, CancellationToken cancellationToken)
    {
        var address = ServiceReader.Plain(original);
        var now = services.Clock.Now;
        if (Find(address, now) is { } answer && answer.Holds(now))
        {
            if (answer.IsDue(now))
            {
                _ = Ask(address);
            }

            return new ValueTask<Destination>(answer.Destination);
        }

        return new ValueTask<Destination>(Ask(address).WaitAsync(cancellationToken));
    }

    // Whatever is remembered, old or not, but for what has been said to be otherwise.
    private Answer? Find(IPEndPoint address, long now)
    {
        if (_known.Find(address) is not { } answer)
        {
            answer = _unknown.Find(address);
        }
        else if (answer.Destination.Service is { } service)
        {
            if (!service.Has(address.Address))
            {
                // Pushed: the address is no longer the service's.
                _known.Remove(address);
                return null;
            }

            service.Use(now);
        }

        answer?.Use(now);
        return answer;
    }

    private Task<Destination> Ask(IPEndPoint address)
    {
        lock (_gate)
        {
            if (_questions.TryGetValue(address, out var asked))
            {
                return asked;
            }

            if (_questions.Count >= MaxQuestions)
            {
                return Task.FromResult(Find(address, services.Clock.Now)?.Destination ?? Destination.NotResolved);
            }

            return _questions[address] = AskAsync(address);
        }
    }

    private async Task<Destination> AskAsync(IPEndPoint address)
    {
        // Out of the lock first.
        await Task.Yield();
        try
        {
            using var limit = new CancellationTokenSource(Patience, clock);
            var answered = await source.ResolveAsync(address, limit.Token);
            return answered is null ? HoldOnTo(address) : Remember(address, answered);
        }
        finally
        {
            lock (_gate)
            {
                _questions.Remove(address);
            }
        }
    }

    private Destination HoldOnTo(IPEndPoint address)
    {
        var now = services.Clock.Now;
        if (Find(address, now) is not { } old)
        {
            Log.NotResolved(logger, address);
            return Destination.NotResolved;
        }

        var until = now + (long)HoldOn.TotalMilliseconds;
        Put(address, new Answer(old.Destination, until, until, isUnwatched: true));
        return old.Destination;
    }

    private Destination Remember(IPEndPoint address, ResolveAddressResponse answered)
    {
        var destination = Read(address, answered);
        var holds = answered.HoldsFor is { } said && said.ToTimeSpan() is var time ? TimeSpan.FromTicks(Math.Clamp(time.Ticks, Shortest.Ticks, Longest.Ticks)) : Shortest;
        var isUnwatched = destination.Service is { IsWatched: false };
        if (isUnwatched && holds > HoldOn)
        {
            holds = HoldOn;
        }

        var now = services.Clock.Now;
        Put(address, new Answer(destination, now + (long)(RefreshAfter * holds.TotalMilliseconds), now + (long)holds.TotalMilliseconds, isUnwatched));
        return destination;
    }

    private void Put(IPEndPoint address, Answer answer)
    {
        answer.Use(services.Clock.Now);
        lock (_gate)
        {
            if (answer.Destination.Kind == DestinationKind.Unknown)
            {
                _known.Remove(address);
                _unknown.Put(address, answer);
            }
            else
            {
                _unknown.Remove(address);
                _known.Put(address, answer);
            }
        }
    }

    private Destination Read(IPEndPoint address, ResolveAddressResponse answered)
    {
        switch (answered.DestinationCase)
        {
            case ResolveAddressResponse.DestinationOneofCase.Service when services.Discovered(answered.Service, _known.Find(address)?.Destination.Service) is { } service:
                service.Use(services.Clock.Now);
                return _known.Find(address)?.Destination is { } same && same.Service == service ? same : Destination.Of(service);
            case ResolveAddressResponse.DestinationOneofCase.Endpoint when ServiceReader.Endpoint(answered.Endpoint.Endpoint ?? new()) is { } read:
                return Known(address, read.Identity, answered.Endpoint.Service)
                    ?? Destination.Of(answered.Endpoint.Service, new EndpointSet([new ServiceEndpoint(read.Address, read.Identity, services.Clock)], services.Clock));
            case ResolveAddressResponse.DestinationOneofCase.None:
                return Destination.Unknown;
            default:
                // It is something, and passing it in plaintext would be worse than not at all.
                Log.Unreadable(logger, address, answered.DestinationCase.ToString());
                return Destination.NotResolved;
        }
    }

    // What is known of an endpoint outlives an answer that names it again.
    private Destination? Known(IPEndPoint address, Spiffe.SpiffeId? identity, string service) =>
        _known.Find(address)?.Destination is { Kind: DestinationKind.Endpoint, Endpoints: { } endpoints } same
        && same.ServiceName == service && Equals(endpoints.Endpoints[0].Identity, identity)
            ? same
            : null;

    private static partial class Log
    {
        [LoggerMessage(EventId = 5505, Level = LogLevel.Warning, Message = "Nobody could say what {Address} is, and connections to it are refused")]
        public static partial void NotResolved(ILogger logger, IPEndPoint address);

        [LoggerMessage(EventId = 5506, Level = LogLevel.Error, Message = "What was said of {Address} cannot be used ({Kind}), and connections to it are refused")]
        public static partial void Unreadable(ILogger logger, IPEndPoint address, string kind);
    }
}
