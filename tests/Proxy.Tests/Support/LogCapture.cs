using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mesh.Proxy.Tests.Support;

/// <summary>Keeps what a proxy logs, for tests to read.</summary>
internal sealed class LogCapture : ILoggerProvider
{
    private readonly ConcurrentQueue<LogLine> _lines = new();
    private readonly LoggerFactory _factory;

    public LogCapture() => _factory = new LoggerFactory([this], new LoggerFilterOptions { MinLevel = LogLevel.Trace });

    public ILoggerFactory Factory => _factory;

    public IReadOnlyCollection<LogLine> Lines => _lines;

    public IEnumerable<string> Of(int eventId) => _lines.Where(line => line.EventId == eventId).Select(line => line.Text);

    /// <summary>Waits for one line of an event that says all of <paramref name="words"/>.</summary>
    public Task<string> SaysAsync(int eventId, params string[] words) => Eventually.ThatAsync(
        () => Of(eventId).FirstOrDefault(text => words.All(word => text.Contains(word, StringComparison.Ordinal))) ?? "",
        text => text.Length > 0,
        $"a line {eventId} with '{string.Join("', '", words)}' among: {string.Join(Environment.NewLine, _lines)}");

    public ILogger CreateLogger(string categoryName) => new Logger(_lines);

    public void Dispose()
    {
        // The factory disposes its providers.
    }

    private sealed class Logger(ConcurrentQueue<LogLine> lines) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Enqueue(new LogLine(eventId.Id, logLevel, formatter(state, exception)));
    }
}

/// <summary>One line of a log.</summary>
internal sealed record LogLine(int EventId, LogLevel Level, string Text);
